-- The same on x86-64, where it was never observed: all drivers lie below one old entry.
local m = machine { format = "x86_64", sync = "lazy" }
local console = m:fork("console-kit-dae")
local sshd = m:fork("sshd")

m:insmod { name = "dtrace", hooks_page_fault = true }
m:insmod { name = "other", size = 4 << 20 }
m:probe("sys_open", "dtrace_page_fault", "other_read")
for _, process in ipairs(m:processes()) do
	assert(process:agrees("dtrace_page_fault") and process:agrees("other_read"))
end

sshd:preempt_in_fault(console)
sshd:read(sshd:mmap {})
m:flush_tlb()
console:read(console:mmap {})
assert(m:ended() == "runs")
m:check()
