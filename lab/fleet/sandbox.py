"""The sandbox of one cluster: network, process and mount namespaces that end with one process, the holder.

Everything of a cluster runs in its sandbox, so whoever kills the holder has killed every program, container and
mount of the cluster: there is no list of leftovers to go through. The holder's pid is on disk before the sandbox
exists. Paths look the same inside and outside, but only what lands in the cluster's folder outlives the sandbox.
"""

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lab.fleet import cgroups
from lab.fleet.processes import Process
from lab.fleet.waiting import FleetError, wait_until

HOLDER = """
echo $$ $(cut -d' ' -f22 /proc/$$/stat) > holder
for group in $GROUPS; do echo 0 > $group/cgroup.procs; done
exec unshare --cgroup sh -euc "$IN_GROUPS"
"""

# A control group namespace has for its root the group that its maker was in. So it is made in the cluster's group, and
# the programs go to theirs afterwards: from in there the groups of the pods, which are beside it, could not be named.
IN_GROUPS = """
for group in $PROGRAMS; do echo 0 > $group/cgroup.procs; done
exec unshare --net --mount --pid --fork --kill-child --propagation private sh -euc "$INIT"
"""

# The kernel kills this process's whole pid namespace with it. The machine's /proc is still mounted when it starts:
# that is where it learns its own pid as seen from outside. The overlays show the machine's files and keep writes
# from it (kubelet and containerd have paths in /var/lib and /var/log that cannot be configured); the cluster's
# folder is mounted again on top, being the place where writes must last, wherever it is. Its own control groups
# take the place of the machine's. The processes that are left to it are reaped by the kernel, as it ignores SIGCHLD.
INIT = """
read -r pid rest < /proc/self/stat
start=$(cut -d' ' -f22 /proc/$pid/stat)
folder=$PWD
mount -t tmpfs tmpfs /run
mkdir /run/folder
mount --bind . /run/folder
for place in tmp var/lib var/log; do
    mkdir -p /run/overlay/$place/upper /run/overlay/$place/work
    mount -t overlay overlay /$place \
        -o lowerdir=/$place,upperdir=/run/overlay/$place/upper,workdir=/run/overlay/$place/work
done
chmod 1777 /tmp
mount --bind /run/folder "$folder"
for group in $GROUPS; do mount --bind $group ${group%/*}; done
mount -t proc proc /proc
ip link set lo up
cd "$folder"
echo $pid $start > init.new
mv init.new init
exec env --ignore-signal=CHLD sleep infinity
"""

# Runs in the pid namespace but still sees the machine's /proc: the pid that it writes is the one seen from outside.
START = """
( read -r pid rest < /proc/self/stat
  echo $pid $(cut -d' ' -f22 /proc/$pid/stat) > "$PID_FILE"
  for group in $PROGRAMS; do echo 0 > $group/cgroup.procs; done
  exec nsenter --cgroup="$NAMESPACES/cgroup" --mount="$NAMESPACES/mnt" -- "$@" ) < /dev/null >> "$LOG" 2>&1 &
"""

# Nothing of the caller's environment gets in: a proxy variable would send the programs out of the sandbox.
# A Go program that is idle wakes half as often with one processor to run on; pods have as many as there are. Memory
# is plenty and processors are few: garbage is collected a quarter as often.
ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "GOMAXPROCS": "1", "GOGC": "400"}

EVERYTHING = ("--net", "--mount", "--pid", "--cgroup")
ONLY_NETWORK = ("--net",)


@dataclass(frozen=True)
class Sandbox:
    """The sandbox of the cluster whose files are in this folder."""

    folder: Path

    @property
    def holder(self) -> Process | None:
        return Process.read(self.folder / "holder")

    @property
    def init(self) -> Process | None:
        return Process.read(self.folder / "init")

    @property
    def pid(self) -> int:
        """Of the process 1 of the sandbox, as seen from outside: whoever wants to enter goes by it."""
        if self.init is None or not self.init.alive():
            raise FleetError(f"cluster {self.folder.name} is not running")
        return self.init.pid

    @property
    def group(self) -> str:
        return cgroups.name(self.folder.parent.parent.name, self.folder.name)

    def _groups(self) -> dict[str, str]:
        """For the scripts: the folders of the cluster's group, and of the group that its programs have to enter."""
        groups = cgroups.left(self.group)
        return {
            "GROUPS": " ".join(str(folder) for folder in groups),
            "PROGRAMS": " ".join(str(cgroups.of_programs(folder)) for folder in groups),
        }

    def running(self) -> bool:
        return all(process is not None and process.alive() for process in (self.holder, self.init))

    def create(self) -> None:
        self.destroy()
        cgroups.make(self.group)
        for kind in ("pids", "logs", "volumes"):
            (self.folder / kind).mkdir(exist_ok=True)
        with (self.folder / "sandbox.log").open("w") as log:
            subprocess.Popen(
                ["sh", "-euc", HOLDER],
                cwd=self.folder,
                env=ENVIRONMENT | self._groups() | {"IN_GROUPS": IN_GROUPS, "INIT": INIT},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            wait_until("the cluster's namespaces", self.running, 10)
        except FleetError as failure:
            raise FleetError(failure.what, self.folder / "sandbox.log") from None
        cgroups.enable(self.group)

    def destroy(self) -> None:
        # The inner one first: it cannot outlive the holder, but the holder could be gone and it still dying.
        for process in (self.init, self.holder):
            if process is not None:
                process.kill()
        for file in (*self.folder.glob("pids/*"), self.folder / "init", self.folder / "holder"):
            file.unlink(missing_ok=True)
        cgroups.remove(self.group)

    def inside(self, command: Sequence[str], namespaces: Sequence[str] = EVERYTHING) -> list[str]:
        """The command line that runs a command in here."""
        return ["nsenter", "--target", str(self.pid), *namespaces, "--", *command]

    def run(self, command: Sequence[str], *, stdin: str = "") -> str:
        """Runs a command to its end and returns what it printed."""
        done = subprocess.run(
            self.inside(command), check=False, input=stdin, capture_output=True, text=True, env=ENVIRONMENT
        )
        if done.returncode != 0:
            raise FleetError(f"{' '.join(command)} failed in {self.folder.name}: {done.stderr.strip()[-1000:]}")
        return done.stdout

    def program(self, name: str) -> Process | None:
        """The process that was started under this name, alive or not."""
        return Process.read(self.folder / "pids" / name)

    def kill(self, name: str) -> None:
        """Ends a program, if it runs, without a chance to say goodbye."""
        if process := self.program(name):
            process.kill()
        (self.folder / "pids" / name).unlink(missing_ok=True)

    def log(self, name: str) -> Path:
        return self.folder / "logs" / f"{name}.log"

    def start(self, name: str, command: Sequence[str], environment: Mapping[str, str]) -> None:
        """Starts a program that goes on running; it belongs to the sandbox and not to this process."""
        self.kill(name)
        settings = {
            "PID_FILE": str(self.folder / "pids" / name),
            "LOG": str(self.log(name)),
            "NAMESPACES": f"/proc/{self.pid}/ns",
        }
        subprocess.run(
            self.inside(["sh", "-euc", START, "sh", *command], ["--net", "--pid"]),
            env=ENVIRONMENT | dict(environment) | self._groups() | settings,
            check=True,
            start_new_session=True,
        )
        wait_until(f"{name} to start", lambda: self.program(name) is not None, 10)


def require(program: str, package: str) -> str:
    """The path of one of the machine's own programs."""
    found = shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if found is None:
        raise FleetError(f"{program} is missing: apt-get install {package}")
    return found
