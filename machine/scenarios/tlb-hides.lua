-- No real logic to it: the TLB hides the missing entry until something empties it.
local m = machine { format = "i386", sync = "lazy", tlb = "sdm" }
local console = m:fork("console-kit-dae")
local sshd = m:fork("sshd")
m:insmod { name = "dtrace", hooks_page_fault = true }
local bash = m:fork("bash")

story("bash sees the handler, and its fault leaves it in the TLB, as a global page.")
bash:read(bash:mmap {})

story("console does not see it, and its fault is handled all the same.")
assert(not console:sees("dtrace_page_fault"))
console:read(console:mmap {})
assert(m:ended() == "runs")

story("The TLB is emptied. Nothing else changes.")
m:flush_tlb()
m:dump()
assert(console:try("read", console:mmap {}) == "stopped")
assert(m:ended() == "resets")
