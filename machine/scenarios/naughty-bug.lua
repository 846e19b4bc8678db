-- The bug of 2012: a driver's page-fault handler that half of the processes cannot see.
local m = machine { format = "i386", sync = "lazy", tlb = "tcg" }

story("Two processes are there before any driver is loaded.")
local console = m:fork("console-kit-dae")
local sshd = m:fork("sshd")

story("dtrace is loaded, which wants to see page faults before the kernel does.")
m:insmod { name = "dtrace", hooks_page_fault = true }
local udevd = m:fork("udevd")

story("Two more drivers; the first is so big that the second begins a new page table.")
m:insmod { name = "video", size = 4 << 20 }
m:insmod("other")
local bash = m:fork("bash")

story("Who sees a function of the kernel, dtrace's handler, and the other driver?")
m:probe("sys_open", "dtrace_page_fault", "other_read")
assert(console:sees("sys_open") and not console:sees("dtrace_page_fault"))
assert(udevd:sees("dtrace_page_fault") and not udevd:sees("other_read"))
assert(bash:sees("dtrace_page_fault") and bash:sees("other_read"))

story("bash touches new memory. Half way through its fault the kernel switches.")
local page = console:mmap {}
bash:preempt_in_fault(console)
bash:read(bash:mmap {})
assert(bash:in_fault() and console:running())

m:dump()
story("console-kit-dae touches new memory, too.")
assert(console:try("read", page) == "stopped")
assert(m:ended() == "resets")
