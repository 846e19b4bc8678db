#!/bin/sh
# The first and only script of a guest whose /dev/whosees is asked. /lab.conf says what to
# do; the debug port takes what is said to the host (the lab module's `say`, open before a
# lockdown that forbids to open it). Any failure ends pid 1, so the machine.
set -e
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
mount -t debugfs debugfs /sys/kernel/debug
mount -t securityfs security /sys/kernel/security
lab=/sys/kernel/debug/whosees_lab
. /lab.conf
# who was there before the modules
if [ "$first" -gt 0 ]; then
	herd "$first" -
fi
for module in $modules whosees_lab whosees; do
	insmod "/modules/$module.ko"
done
exec 5>$lab/say

symbol() { # address of a symbol of the kernel's
	grep -m 1 " $1\b" /proc/kallsyms | cut -d ' ' -f 1
}

loaded() { # address of a module, without its 0x
	grep -m 1 "^$1 " /proc/modules | cut -d ' ' -f 6 | cut -c 3-
}

memory() { # what the kernel has of what could leak: objects, and kilobytes
	grep -E '^(mm_struct|filp) ' /proc/slabinfo | while read -r kind n rest; do
		echo "memory $1 $kind $n" >&5
	done
	grep -E '^(Slab|VmallocUsed):' /proc/meminfo | while read -r kind n rest; do
		echo "memory $1 $kind $n" >&5
	done
}

pid=$(herd "$processes" waiter 0)
pid=$((1$pid - 100000)) # it has five digits
case $hide in
0x*) hidden=${hide#0x} ;;
*) hidden=$(symbol "${hide:-vfs_read}") ;;
esac
if [ -n "$hide" ]; then
	echo "hide $pid $hidden" >$lab/control
fi
if [ "$whosees" = yes ]; then
	whosees cpus live --csv >/cpus 2>/complaints || echo "status $?" >>/complaints
	for file in cpus complaints; do
		while read -r line; do
			echo "$file $line" >&5
		done </$file
	done
	whosees audit live >/audit 2>&1 || true
	while read -r line; do
		echo "audit $line" >&5
	done </audit
fi
device ask "$hidden" "$(symbol vfs_read)" "$(loaded whosees)" "$(loaded loop)" >&5
# the host has dumped all this; now for who means no good
for program in $programs; do
	echo "by $program" >&5
	$program refused >&5
	$program nobody >&5
	$program powerless >&5
	$program closing "$closings" >&5
	$program churn "$churn" >&5 # whatever is made once is made before it is counted
	memory before
	$program churn "$churn" >&5
	$program random "$random" "$seed" >&5
	memory after
done
device unload >&5
# what was loaded as usual writes nothing; now one that may
lacking=$hidden
if [ "$first" -gt 0 ]; then
	lacking=$(loaded loop)
fi
reference=$(cut -c 3- <$lab/reference)
device_sync forbidden "$reference" "$lacking" >&5
rmmod whosees
insmod /modules/whosees.ko allow_sync=1
for program in $programs; do
	if [ "$sync" = nowhere ]; then
		${program}_sync nowhere "$reference" "$lacking" >&5
	fi
	if [ "$sync" != yes ]; then
		continue
	fi
	${program}_sync mend "$reference" "$lacking" >&5
	${program}_sync contend "$reference" "$lacking" "$closings" >&5
	memory before
	${program}_sync closing "$reference" "$lacking" "$closings" >&5
	${program}_sync random "$reference" "$lacking" $((random / 10)) "$seed" >&5
	memory after
done
if [ "$sync" = yes ]; then
	device_sync all "$reference" "$lacking" >&5
fi
# where the lab module can put another table in its place, as it does on a PC
if [ "$sync" = yes ] && (echo restore >$lab/control) 2>/refusal; then
	(echo "change $pid kernel $hidden 0 0" >$lab/control) 2>/refusal || true
	device_sync changed "$reference" "$hidden" "$pid" >&5
fi
if [ "$stacks" = yes ]; then
	device_sync in-use "$reference" "$(cut -c 3- <$lab/stack)" "$pid" >&5
fi
device time "$rounds" "$(loaded whosees_lab)" >&5
# which the lab module has on a PC alone
echo "lookups $(loaded whosees_lab) $((rounds * 20))" >$lab/control || true
echo integrity >/sys/kernel/security/lockdown
device open >&5
rmmod whosees
word=loaded
insmod /modules/whosees.ko 2>/refusal || word="refused $(cat /refusal)"
echo "insmod $word" >&5
echo @end >&5
exec cat </go
