"""A machine with contrib/kdump in its crash kernel's initramfs, crashed: what is on its disk."""

import json
import os
import re
import shutil
import subprocess
import time

from lab import util

MODULES = ("virtio_pci", "virtio_blk", "ext4", "crc32c_generic")
DISK = "2G"
PATIENCE = 1800  # seconds for a guest that is emulated on a machine that has other work

INITRAMFS_TOOLS = 'mkinitramfs -o "$STAGE/initrd" "$RELEASE"'
DRACUT = ('dracut --force --no-hostonly --no-early-microcode --gzip --kver "$RELEASE" '
          '--kmoddir "/usr/lib/modules/$RELEASE" --modules "base rootfs-block udev-rules '
          f'fs-lib kernel-modules whosees-kdump" --drivers "{" ".join(MODULES)}" "$STAGE/initrd"')

# What makes the initramfs, what the crash kernel is told, and what is on the disk then.
WAYS = {
    "captures": (INITRAMFS_TOOLS, "", r"capture\.\d+\.elf"),
    # whosees is killed when it has hardly begun
    "falls-back": (INITRAMFS_TOOLS, "WHOSEES_PATIENCE=0.001\n", r"dump\.\d+"),
    "dracut": (DRACUT, "", r"capture\.\d+\.elf"),
}

INIT = """#!/bin/busybox sh
busybox mount -t proc proc /proc
busybox mount -t sysfs sys /sys
echo lab: loads the crash kernel
/sbin/kexec -p /boot/vmlinuz --initrd=/boot/initrd \\
    --command-line="root=/dev/vda ro console=ttyS0 nr_cpus=1 reset_devices panic=30"
echo lab: crashes
echo 1 >/proc/sys/kernel/sysrq
echo c >/proc/sysrq-trigger
"""
COMMAND_LINE = "root=/dev/vda ro console=ttyS0 crashkernel=256M panic=30"

# Its own /usr, /etc and /boot, with what is staged on top, for as long as an initramfs is made.
MAKE_INITRAMFS = """
set -e
for folder in usr etc boot; do
    mkdir -p "$STAGE/overlay/$folder"
    mount -t overlay overlay -o \\
        "lowerdir=/$folder,upperdir=$STAGE/$folder,workdir=$STAGE/overlay/$folder" /$folder
done
"""


def libraries(program):
    """The files that a program is linked with."""
    listed = subprocess.run(["ldd", program], check=True, capture_output=True, text=True)
    return re.findall(r"(/\S+) \(0x", listed.stdout)


class Machine:
    """What is made once for all ways: programs, modules, and the root file system's files."""

    def __init__(self, kernel, tool, folder):
        self.kernel, self.tool, self.folder = kernel, tool, folder
        self.modules = kernel.tree / "lib/modules" / kernel.release

    def stage(self, conf):
        """A folder with what would be installed, told conf."""
        stage = self.folder / "stage"
        shutil.rmtree(stage, ignore_errors=True)
        util.run([util.REPO / "contrib/kdump/install"], env=dict(os.environ, DESTDIR=str(stage)))
        (stage / "etc/default/whosees-kdump").write_text(conf)
        tools = stage / "etc/initramfs-tools"
        (tools / "conf.d").mkdir(parents=True)
        (tools / "conf.d/lab").write_text("MODULES=list\nCOMPRESS=gzip\n")
        (tools / "modules").write_text("\n".join(MODULES) + "\n")
        (stage / "usr/bin").mkdir()
        shutil.copy2(self.tool, stage / "usr/bin/whosees")
        for library in libraries(self.tool):
            if "libwhosees" in library:
                shutil.copy2(library, stage / "usr/lib")
        (stage / "boot").mkdir()
        shutil.copy2(self.kernel.config, stage / "boot")
        modules = stage / "usr/lib/modules" / self.kernel.release
        shutil.copytree(self.modules, modules, symlinks=True, copy_function=os.link)
        util.run([util.need("depmod", "kmod"), "-b", stage / "usr", self.kernel.release])
        return stage

    def initramfs(self, make, conf):
        util.need(make.split()[0], {"mkinitramfs": "initramfs-tools"}.get(make.split()[0],
                                                                           "dracut-core"))
        stage = self.stage(conf)
        me = [] if os.geteuid() == 0 else ["--map-root-user"]
        util.run(["unshare", *me, "--mount", "sh", "-c", MAKE_INITRAMFS + make],
                 env=dict(os.environ, STAGE=str(stage), RELEASE=self.kernel.release))
        return stage / "initrd"

    def disk(self, initrd):
        root = self.folder / "root"
        shutil.rmtree(root, ignore_errors=True)
        for name in ("bin", "sbin", "lib", "lib64", "boot", "proc", "sys", "dev", "run", "etc",
                     "var/crash"):
            (root / name).mkdir(parents=True)
        shutil.copy2(self.kernel.busybox, root / "bin/busybox")
        kexec = util.need("kexec", "kexec-tools")
        shutil.copy2(kexec, root / "sbin/kexec")
        for library in libraries(kexec):
            to = root / library.removeprefix("/usr").lstrip("/")
            to.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(library, to)
        shutil.copy2(self.kernel.vmlinuz, root / "boot/vmlinuz")
        shutil.copy2(initrd, root / "boot/initrd")
        (root / "sbin/init").write_text(INIT)
        (root / "sbin/init").chmod(0o755)
        disk = self.folder / "disk"
        disk.unlink(missing_ok=True)
        util.run([util.need("mke2fs", "e2fsprogs"), "-q", "-t", "ext4", "-d", root, disk, DISK])
        return disk

    def crash(self, make, conf):
        """(the disk afterwards, what was on the console, seconds)"""
        initrd = self.initramfs(make, conf)
        disk = self.disk(initrd)
        begun = time.monotonic()
        console = self.folder / "console"
        util.run(["timeout", str(PATIENCE),
                  util.need("qemu-system-x86_64", "qemu-system-x86"), "-nodefaults",
                  "-no-reboot", "-display", "none", "-accel", "tcg", "-machine", "pc",
                  "-cpu", self.kernel.conf["cpu"], "-m", "1024",
                  "-kernel", self.kernel.vmlinuz, "-initrd", initrd,
                  "-append", COMMAND_LINE, "-serial", f"file:{console}",
                  "-drive", f"file={disk},if=virtio,format=raw"])
        return disk, console.read_text(errors="replace"), time.monotonic() - begun


def saved(disk, folder):
    """What lies below /var/crash, copied out of the disk."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    util.run([util.need("debugfs", "e2fsprogs"), "-R", f"rdump /var/crash {folder}", disk])
    return sorted(path for path in folder.rglob("*") if path.is_file())


def audit(tool, path):
    done = subprocess.run([tool, "audit", "--json", path], capture_output=True, check=False)
    return json.loads(done.stdout)["summary"][0] if done.stdout else done.stderr.decode()
