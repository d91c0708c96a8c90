"""Where the OpenStack clouds are: clouds.yaml, vendor profiles, secure.yaml and OS_* variables.

All of it is read by openstacksdk's own loader, so a cloud that works with `openstack --os-cloud` works here.
"""

import contextlib
import copy
import os
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from keystoneauth1 import exceptions as keystone_errors
from openstack import exceptions as sdk_errors
from openstack import warnings as sdk_warnings
from openstack.config import loader

from enamel.clouds.calls import cleaning
from enamel.model.errors import CloudUnauthorized, CloudUnknown, EnamelError


@contextlib.contextmanager
def usable(name: str) -> Iterator[None]:
    """Say of a cloud's configuration what is wrong with it. Raises CloudUnknown, CloudUnauthorized."""
    try:
        yield
    except keystone_errors.MissingRequiredOptions as exc:
        lacking = ", ".join(option.dest for option in exc.options)
        raise CloudUnauthorized(
            f"The configuration of cloud {name} lacks what its authentication needs: {lacking}.",
            cloud=name,
            remedy="Add these under `auth:` of its entry in clouds.yaml.",
        ) from exc
    except EnamelError:
        raise
    except Exception as exc:
        # The loader and the plugins raise all sorts, plain Exception among them, for values of the wrong kind.
        raise CloudUnknown(
            f"The configuration of cloud {name} cannot be used: {_said(exc)}",
            cloud=name,
            remedy="Correct its entry in clouds.yaml.",
        ) from exc


def _said(exc: Exception) -> str:
    """Return what an exception says, with the file that it is about."""
    if isinstance(exc, AttributeError | TypeError | KeyError):
        return f"it is empty, or a value in it is of the wrong kind ({exc})"
    file = getattr(exc, "filename", None)
    text = getattr(exc, "strerror", None) or str(exc)
    return cleaning.clean(f"{text}: {file}" if file else text)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Leave out what the loader warns of: a default of its own, and regions with commas between them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", sdk_warnings.RemovedInSDK60Warning)
        warnings.simplefilter("ignore", sdk_warnings.OpenStackDeprecationWarning)
        yield


# The loader makes up an entry of this name where there is no configuration at all.
_NOTHING_CONFIGURED = "defaults"


class Configuration:
    """The entries of the configuration, read once."""

    def __init__(self, *, file: Path | None = None) -> None:
        """Read the configuration.

        Args:
            file: A clouds.yaml to read instead of all that the environment names.

        Raises:
            CloudUnknown: It cannot be read.
        """
        self._regions_read: dict[str, Sequence[str]] = {}
        if file is not None:
            self._loader = loader.OpenStackConfig(
                config_files=[str(file)],
                secure_files=[],
                vendor_files=[],
                load_envvars=False,
                app_name="enamel",
            )
            self._leave_out_empty_regions()
            return
        named = os.environ.get("OS_CLIENT_CONFIG_FILE")
        if named and not os.path.exists(named):
            raise CloudUnknown(
                f"The file that OS_CLIENT_CONFIG_FILE names, {named}, does not exist.",
                remedy="Correct the path, or unset OS_CLIENT_CONFIG_FILE to have the usual places searched.",
            )
        try:
            self._loader = loader.OpenStackConfig(app_name="enamel")
        except (sdk_errors.ConfigException, AttributeError, TypeError) as exc:
            raise CloudUnknown(f"The clouds' configuration cannot be read: {exc}") from exc
        self._refuse_a_skipped_file(named)
        self._leave_out_empty_regions()

    def names(self) -> Sequence[str]:
        """Return the names of the entries, the default one first."""
        entries = [name for name in self._loader.get_cloud_names() if self._is_cloud(name)]
        default = self.default()
        entries.sort(key=lambda name: name != default)
        return [name for entry in entries for name in self._names_of(entry)]

    def _names_of(self, entry: str) -> Sequence[str]:
        """Return what the clouds of an entry are called: with several regions, each is a cloud, entry/region."""
        regions = self._regions(entry)
        return [f"{entry}/{region}" for region in regions] if len(regions) > 1 else [entry]

    def _regions(self, entry: str) -> Sequence[str]:
        """Return the regions that an entry or its vendor's profile lists; none where they cannot be read."""
        known = self._regions_read.get(entry)
        if known is None:
            # Some vendors keep their profiles on the web, which is asked only once.
            known = self._regions_read[entry] = self._read_regions(entry)
        return known

    def _read_regions(self, entry: str) -> Sequence[str]:
        if not isinstance(self._loader.cloud_config["clouds"].get(entry), dict):
            return []
        try:
            with _quiet():
                # The loader has no public way to ask for this without credentials that are complete.
                return [region["name"] for region in self._loader._get_regions(entry) if region["name"]]
        except (sdk_errors.ConfigException, OSError, ValueError, AttributeError, TypeError, KeyError):
            # Whoever uses the entry hears what is wrong with it.
            return []

    def _is_cloud(self, name: str) -> bool:
        """Tell whether an entry is a cloud: the loader takes any OS_* variable for one, also those that set an option of ours."""
        if name != self._loader.envvar_key:
            return name != _NOTHING_CONFIGURED
        # Where OS_CLOUD or nothing else names a cloud, incomplete variables are somebody's mistake, and reported.
        others = [
            other for other in self._loader.get_cloud_names() if other not in (name, _NOTHING_CONFIGURED)
        ]
        auth = self._loader.cloud_config["clouds"][name].get("auth", {})
        return not others or "auth_url" in auth

    def default(self) -> str | None:
        """Return the entry that is meant where none is named: OS_CLOUD's, the OS_* variables', or the only one."""
        default: str | None = self._loader.default_cloud
        return None if default == _NOTHING_CONFIGURED else default

    def region(self, name: str, *, project: str | None = None) -> Any:
        """Return openstacksdk's CloudRegion of a cloud.

        Args:
            name: The entry, with `/region` behind it where the entry has several.
            project: Id of another project; None for the entry's own.

        Raises:
            CloudUnknown: There is no such entry, or it cannot be used.
            CloudUnauthorized: It lacks values.
        """
        entry, region_name = self._split(name)
        with usable(name), _quiet():
            region = self._loader.get_one(
                cloud=entry, **({"region_name": region_name} if region_name else {})
            )
            return self._rescoped(region, project=project) if project else region

    def _split(self, name: str) -> tuple[str, str | None]:
        """Return the entry and the region that a name means; an entry with several regions means the first of them."""
        for entry in self._loader.get_cloud_names():
            if self._is_cloud(entry):
                if name == entry:
                    return entry, None
                if name in self._names_of(entry):
                    return entry, name.removeprefix(f"{entry}/")
        listed = ", ".join(self.names())
        raise CloudUnknown(
            f"There is no cloud {name!r} in the configuration; there "
            + (f"are: {listed}." if listed else "is no configured cloud at all."),
            cloud=name,
        )

    def sibling(self, name: str, project: str) -> str | None:
        """Return the entry that leads to another project of the same cloud; None where there is none."""
        region = self.region(name)
        here = region.config.get("auth", {})
        for other in self.names():
            try:
                other_region = self.region(other)
            except EnamelError:
                # Whoever wants to use that entry hears what is wrong with it.
                continue
            auth = other_region.config.get("auth", {})
            same = (
                auth.get("auth_url") == here.get("auth_url")
                and region.region_name == other_region.region_name
            )
            if same and project in {auth.get("project_id"), auth.get("project_name")}:
                return other
        return None

    def _rescoped(self, region: Any, *, project: str) -> Any:
        """Return an entry with another project's id in the place of its own project."""
        options = copy.deepcopy(region.config)
        # What the profile says stands in the options already, and would go before what is changed here.
        options.pop("profile", None)
        auth = options["auth"]
        for name in ("project_id", "project_name", "project_domain_id", "project_domain_name"):
            auth.pop(name, None)
        auth["project_id"] = project
        return self._loader.get_one(**options)

    def _leave_out_empty_regions(self) -> None:
        # The loader splits what stands behind `region_name:`, also where nothing does.
        entries = self._loader.cloud_config.get("clouds")
        for entry in entries.values() if isinstance(entries, dict) else ():
            if isinstance(entry, dict) and entry.get("region_name", "") is None:
                del entry["region_name"]

    def _refuse_a_skipped_file(self, named: str | None) -> None:
        # The loader passes over a file that it cannot parse with a log line, and then takes another cloud's entry.
        candidates = [named, *loader.CONFIG_FILES] if named else loader.CONFIG_FILES
        first = next((path for path in candidates if os.path.exists(path)), None)
        if first is not None and self._loader.config_filename != first:
            raise CloudUnknown(
                f"The file {first} cannot be read: it is not valid YAML, or may not be opened by this user.",
                remedy="Correct the file, or its permissions.",
            )
