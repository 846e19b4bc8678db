-- Repair: the handler lies in kmalloc memory, which every process has seen since it was forked.
local m = machine { format = "i386", sync = "direct-map handler", tlb = "tcg" }
local console = m:fork("console-kit-dae")
local sshd = m:fork("sshd")
m:insmod { name = "dtrace", hooks_page_fault = true }

story("The handler is seen by all, the rest of the driver is not.")
assert(console:sees("dtrace_page_fault") and not console:sees("dtrace_read"))

sshd:preempt_in_fault(console)
sshd:read(sshd:mmap {})
console:read(console:mmap {})
assert(m:ended() == "runs")

story("A read of the driver's node goes to the rest; that heals, as faults are handled.")
local page = console:mmap {}
console:open("/dev/dtrace"):read(page, 16)
assert(console:sees("dtrace_read") and m:ended() == "runs")
m:check()
