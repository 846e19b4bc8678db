-- Repair: the top-level entries are filled at boot, so that no later mapping changes them.
story("On x86-64 vmalloc memory can begin a new top-level entry.")
local before = machine { format = "x86_64", sync = "lazy" }
local console = before:fork("console-kit-dae")
local area = before:vmalloc(1 << 20)
assert(before:sees(area) and not console:sees(area))

story("With all of these entries made at boot, every process leads to the same tables.")
local after = machine { format = "x86_64", sync = "preallocated" }
console = after:fork("console-kit-dae")
area = after:vmalloc(1 << 20)
assert(console:sees(area) and console:agrees(area))

after:insmod { name = "dtrace", hooks_page_fault = true }
local sshd = after:fork("sshd")
sshd:preempt_in_fault(console)
sshd:read(sshd:mmap {})
console:read(console:mmap {})
assert(after:ended() == "runs")
after:check()
