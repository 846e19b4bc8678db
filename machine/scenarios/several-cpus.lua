-- Two processors: a driver is loaded on one, and the other one dies of it.
local m = machine { format = "i386", sync = "lazy", tlb = "tcg", processors = 2 }
local console = m:fork("console-kit-dae")
local sshd = m:fork("sshd")

story("console-kit-dae runs on processor 1; the driver is loaded on processor 0.")
console:migrate(1)
console:run()
m:insmod { name = "dtrace", hooks_page_fault = true }
local bash = m:fork("bash")

story("On processor 0 all is well: bash sees the handler.")
bash:read(bash:mmap {})
assert(m:ended() == "runs")

story("An interrupt on processor 1 is fine, too: its handler is the kernel's.")
m:interrupt(32, 1)

m:dump()
story("A page fault on processor 1 is not.")
assert(console:try("read", console:mmap {}) == "stopped")
assert(m:ended() == "resets")
