-- Loaded once it works, loaded a second time it kills: it came back at another place.
local m = machine { format = "i386", sync = "lazy", tlb = "tcg" }

story("dtrace is loaded early: all that are forked later have its page table.")
m:insmod { name = "dtrace", hooks_page_fault = true }
local console = m:fork("console-kit-dae")
local first = m:address("dtrace_page_fault")
console:read(console:mmap {})

story("It is unloaded, a big driver takes its place, and dtrace is loaded again.")
m:fork("modprobe"):run()
m:rmmod("dtrace")
m:insmod { name = "video", size = 4 << 20 }
m:insmod { name = "dtrace", hooks_page_fault = true }
story("It was at %08x and is at %08x now.", first, m:address("dtrace_page_fault"))
assert(not console:sees("dtrace_page_fault"))

m:dump()
assert(console:try("read", console:mmap {}) == "stopped")
assert(m:ended() == "resets")
