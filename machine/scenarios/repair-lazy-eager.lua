-- Repair: written to every process at once, and repaired at a fault where that came too late.
local m = machine { format = "i386", sync = "lazy+eager" }
local console = m:fork("console-kit-dae")
local sshd = m:fork("sshd")

story("This is how today's i386 kernels do it.")
m:insmod { name = "dtrace", hooks_page_fault = true }
assert(console:agrees("dtrace_page_fault"))
sshd:preempt_in_fault(console)
sshd:read(sshd:mmap {})
console:read(console:mmap {})
assert(m:ended() == "runs")
m:check()

story("An entry that gets lost is repaired, if it is data that is missing.")
local area = m:vmalloc(8 << 20)
console:hide(area)
console:kernel_read(area)
assert(console:agrees(area))
