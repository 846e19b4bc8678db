# SPDX-License-Identifier: LGPL-2.1-or-later
"""Slurm on this machine alone, in a folder: munged, slurmctld and slurmd with a node of as many
processors as tasks are to run at once. For who is root, who may start them."""

import os
import pathlib
import shutil
import socket
import subprocess
import time

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scancel", "sinfo")
PATIENCE = 60  # seconds for the node to be there

CONF = """
ClusterName=here
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={port}
SlurmdPort={slurmd_port}
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CryptoType=crypto/munge
ProctrackType=proctrack/pgid
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
SchedulerType=sched/builtin
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
MpiDefault=none
ReturnToService=2
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} State=UNKNOWN
PartitionName=all Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""


def missing():
    """The programs that are not there."""
    path = os.environ["PATH"] + ":/usr/sbin:/sbin"
    return [name for name in PROGRAMS if not shutil.which(name, path=path)]


def free_port():
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return bound.getsockname()[1]


class Slurm:
    """with Slurm(folder, 2) as slurm: slurm.run("sbatch", ...)"""

    def __init__(self, folder, cpus):
        self.folder = pathlib.Path(folder)
        self.conf = self.folder / "slurm.conf"
        self.cpus, self.daemons = cpus, []
        self.environment = dict(os.environ, SLURM_CONF=str(self.conf),
                                PATH=os.environ["PATH"] + ":/usr/sbin:/sbin")

    def run(self, *command, **more):
        return subprocess.run(command, env=self.environment, check=True, text=True,
                              capture_output=True, **more).stdout

    def _start(self, *command):
        log = open(self.folder / f"{command[0]}.out", "wb")
        with log:
            self.daemons.append(subprocess.Popen(command, env=self.environment, stdout=log,
                                                 stderr=log))

    def _munge(self):
        key = self.folder / "munge.key"
        key.write_bytes(os.urandom(1024))
        key.chmod(0o600)
        self._start("munged", "--foreground", "--force", f"--key-file={key}",
                    *(f"--{what}={self.folder}/munge.{suffix}" for what, suffix in (
                        ("socket", "socket"), ("pid-file", "pid"), ("log-file", "log"),
                        ("seed-file", "seed"))))
        self._wait(lambda: (self.folder / "munge.socket").exists(), "munged")

    @staticmethod
    def _wait(ready, what):
        until = time.monotonic() + PATIENCE
        while not ready():
            if time.monotonic() > until:
                raise TimeoutError(f"{what} is not ready after {PATIENCE} s")
            time.sleep(0.2)

    def _is_idle(self):
        try:
            return "idle" in self.run("sinfo", "--noheader", "--format=%T", timeout=10)
        except (subprocess.SubprocessError, OSError):
            return False

    def __enter__(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        for name in ("state", "spool"):
            (self.folder / name).mkdir(exist_ok=True)
        self.conf.write_text(CONF.format(
            host=socket.gethostname().split(".", 1)[0], port=free_port(),
            slurmd_port=free_port(), folder=self.folder, cpus=self.cpus))
        try:
            self._munge()
            self._start("slurmctld", "-D", "-i")
            self._start("slurmd", "-D")
            self._wait(self._is_idle, "the node")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for daemon in reversed(self.daemons):
            daemon.terminate()
        for daemon in reversed(self.daemons):
            try:
                daemon.wait(timeout=20)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()

    def queued(self, job):
        """How many tasks of a job are not over."""
        return len(self.run("squeue", "--noheader", "--array", f"--jobs={job}",
                            "--format=%i").split())
