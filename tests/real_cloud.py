"""The real OpenStack that tests marked `lab` run on: any one that has what docs/development/testing.md lists."""

import os

ENTRY = os.environ.get("ENAMEL_TEST_CLOUD", "")
"""The entry of clouds.yaml for the usual account; beside it, `ENTRY-other` and `ENTRY-admin`."""

NEEDED = (
    "needs a real OpenStack: set ENAMEL_TEST_CLOUD to an entry of clouds.yaml;"
    " docs/development/testing.md lists the accounts, roles, flavors, images and networks"
)
"""Why tests are skipped without one."""
