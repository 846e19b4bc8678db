-- What lazy faults repair, and what they cannot: a driver's code, but not the handler itself.
local m = machine { format = "i386", sync = "lazy", tlb = "tcg" }
local sshd = m:fork("sshd")

story("A driver is loaded that has nothing to do with page faults.")
m:insmod { name = "printer", irq = 40 }
assert(not sshd:sees("printer_read"))

story("sshd reads its node. The first fetch faults; the kernel copies the entry.")
local page = sshd:mmap {}
sshd:open("/dev/printer"):read(page, 16)
assert(sshd:sees("printer_read") and m:ended() == "runs")

story("The same with a driver whose handler is what should repair it.")
local cron = m:fork("cron")
m:insmod { name = "video", size = 4 << 20 }
m:insmod { name = "dtrace", hooks_page_fault = true }
assert(not cron:sees("dtrace_page_fault"))
page = cron:mmap {}
m:dump()
assert(cron:try("read", page) == "stopped")
assert(m:ended() == "resets")
