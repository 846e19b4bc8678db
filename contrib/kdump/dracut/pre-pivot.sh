#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# In a crash kernel's initramfs, once the root file system is mounted (dracut.modules(7)). It is
# read by another script, and so must not exit.

if [ -e /proc/vmcore ]; then
	[ ! -r /etc/default/whosees-kdump ] || . /etc/default/whosees-kdump
	if mount -o remount,rw "$NEWROOT"; then
		/usr/lib/whosees/kdump/save "$NEWROOT"
		whosees_saved=$?
		mount -o remount,ro "$NEWROOT"
		[ $whosees_saved -ne 0 ] || [ "${WHOSEES_THEN:-reboot}" = continue ] || reboot -f
	fi
fi
