#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Puts whosees, makedumpfile and what they are told into an initramfs (dracut.modules(7)).

check()
{
	require_binaries whosees timeout date sync
}

depends()
{
	echo base
}

install()
{
	inst_multiple whosees timeout date sync mkdir mv rm readlink mount reboot
	inst_multiple -o makedumpfile /etc/default/kdump-tools /etc/default/whosees-kdump
	inst_script /usr/lib/whosees/kdump/save /usr/lib/whosees/kdump/save
	inst_hook pre-pivot 50 "$moddir/pre-pivot.sh"
}
