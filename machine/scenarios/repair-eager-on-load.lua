-- Repair: loading a driver brings every process up to date, as dtrace came to do by itself.
local m = machine { format = "i386", sync = "eager-on-load" }
local console = m:fork("console-kit-dae")
local sshd = m:fork("sshd")

story("A driver is loaded; all entries there are by now go to every process.")
m:insmod { name = "dtrace", hooks_page_fault = true }
assert(console:sees("dtrace_page_fault"))

sshd:preempt_in_fault(console)
sshd:read(sshd:mmap {})
console:read(console:mmap {})
assert(m:ended() == "runs")

story("Memory that the kernel maps later is still copied to no other space,")
local area = m:vmalloc(8 << 20)
assert(not console:sees(area))
story("but that is data: the first access faults, and the fault repairs it.")
console:kernel_read(area)
assert(console:sees(area))
m:check()
