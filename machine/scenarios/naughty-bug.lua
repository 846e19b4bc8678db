-- The seed's story: a driver's page-fault handler that half of the processes cannot see.
local m = machine { format = "i386", sync = "lazy" }

story("Two processes are there before any driver is loaded.")
local console = m:fork("console-kit-dae")
local sshd = m:fork("sshd")

story("A driver is loaded that wants to see page faults first.")
m:insmod { name = "dtrace", hooks_page_fault = true }
local udevd = m:fork("udevd")

story("Another driver follows, so big that it needs a page table of its own.")
m:insmod { name = "other", size = 4 << 20 }
local bash = m:fork("bash")

story("Who sees a function of the kernel, the driver's handler, and the other driver?")
m:probe("sys_open", "dtrace_page_fault", "other")
assert(console:sees("sys_open") and not console:sees("dtrace_page_fault"))
assert(udevd:sees("dtrace_page_fault") and not udevd:sees("other"))
assert(bash:sees("dtrace_page_fault") and bash:sees("other"))

story("bash touches new memory. Half way through its fault the kernel switches.")
local page = console:mmap { size = 4096 }
bash:preempt_in_fault(console)
bash:read(bash:mmap { size = 4096 })
assert(bash:in_fault() and console:running())

m:dump()
story("console-kit-dae touches new memory, too.")
assert(console:try("read", page) == "stopped")
assert(m:ended() == "resets")
