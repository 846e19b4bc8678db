-- Repair: each new kernel entry is written to every process at once.
local m = machine { format = "i386", sync = "eager" }
local console = m:fork("console-kit-dae")
local sshd = m:fork("sshd")

story("A driver is loaded; all that were there before get its entries.")
m:insmod { name = "dtrace", hooks_page_fault = true }
assert(console:sees("dtrace_page_fault") and sshd:sees("dtrace_page_fault"))

story("The switch in the middle of a fault does no harm now.")
sshd:preempt_in_fault(console)
sshd:read(sshd:mmap {})
console:read(console:mmap {})
sshd:run()
assert(not sshd:in_fault() and m:ended() == "runs")

story("Unloading is done in all of them as well.")
m:rmmod("dtrace")
console:read(console:mmap {})
assert(m:ended() == "runs")
m:check()
