-- Two drivers hook page faults, and are unloaded in the order in which they came.
local m = machine { format = "i386", sync = "eager" }
local sshd = m:fork("sshd")

story("Each driver goes on to whoever had the page fault before it.")
m:insmod { name = "dtrace", hooks_page_fault = true }
m:insmod { name = "tracer", hooks_page_fault = true }
sshd:read(sshd:mmap {})

story("dtrace leaves first, and puts back the kernel's handler: tracer is cut off.")
m:rmmod("dtrace")
sshd:read(sshd:mmap {})

story("tracer leaves, and puts back what it had found: dtrace's, which is gone.")
m:rmmod("tracer")
m:dump()
assert(sshd:try("read", sshd:mmap {}) == "stopped")
assert(m:ended() == "resets")
