"""Where the OpenStack clouds are: clouds.yaml, vendor profiles, secure.yaml and OS_* variables.

All of it is read by openstacksdk's own loader, so a cloud that works with `openstack --os-cloud` works here.
"""

import copy
import os
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from keystoneauth1 import exceptions as keystone_errors
from openstack import exceptions as sdk_errors
from openstack import warnings as sdk_warnings
from openstack.config import loader

from enamel.model.errors import CloudUnauthorized, CloudUnknown, EnamelError

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
        if file is not None:
            self._loader = loader.OpenStackConfig(
                config_files=[str(file)],
                secure_files=[],
                vendor_files=[],
                load_envvars=False,
                app_name="enamel",
            )
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

    def names(self) -> Sequence[str]:
        """Return the names of the entries, the default one first."""
        names = [name for name in self._loader.get_cloud_names() if self._is_cloud(name)]
        default = self.default()
        return sorted(names, key=lambda name: name != default)

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
        """Return openstacksdk's CloudRegion of an entry. Raises CloudUnknown, and CloudUnauthorized where it lacks values.

        Args:
            name: The entry.
            project: Id of another project; None for the entry's own.
        """
        if name not in self.names():
            listed = ", ".join(self.names())
            raise CloudUnknown(
                f"There is no cloud {name!r} in the configuration; there "
                + (f"are: {listed}." if listed else "is no configured cloud at all."),
                cloud=name,
            )
        try:
            with warnings.catch_warnings():
                # The loader warns of a default of its own.
                warnings.simplefilter("ignore", sdk_warnings.RemovedInSDK60Warning)
                region = self._loader.get_one(cloud=name)
                return self._rescoped(region, project=project) if project else region
        except keystone_errors.MissingRequiredOptions as exc:
            lacking = ", ".join(option.dest for option in exc.options)
            raise CloudUnauthorized(
                f"The configuration of cloud {name} lacks what its authentication needs: {lacking}.",
                cloud=name,
                remedy="Add these under `auth:` of its entry in clouds.yaml.",
            ) from exc
        except (
            sdk_errors.ConfigException,
            keystone_errors.NoMatchingPlugin,
            AttributeError,  # a list or a word where the loader expects a mapping
            TypeError,
            ValueError,
        ) as exc:
            raise CloudUnknown(
                f"The configuration of cloud {name} cannot be used: {exc}",
                cloud=name,
                remedy="Correct its entry.",
            ) from exc

    def sibling(self, name: str, project: str) -> str | None:
        """Return the entry that leads to another project of the same cloud; None where there is none."""
        here = self.region(name).config.get("auth", {})
        for other in self.names():
            try:
                auth = self.region(other).config.get("auth", {})
            except EnamelError:
                # Whoever wants to use that entry hears what is wrong with it.
                continue
            known = {auth.get("project_id"), auth.get("project_name")}
            if auth.get("auth_url") == here.get("auth_url") and project in known:
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

    def _refuse_a_skipped_file(self, named: str | None) -> None:
        # The loader passes over a file that it cannot parse with a log line, and then takes another cloud's entry.
        candidates = [named, *loader.CONFIG_FILES] if named else loader.CONFIG_FILES
        first = next((path for path in candidates if os.path.exists(path)), None)
        if first is not None and self._loader.config_filename != first:
            raise CloudUnknown(
                f"The file {first} cannot be read: it is not valid YAML, or may not be opened by this user.",
                remedy="Correct the file, or its permissions.",
            )
