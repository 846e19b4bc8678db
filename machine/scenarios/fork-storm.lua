-- A hundred thousand processes are forked, and not one of them sees what is mapped then.
local m = machine { format = "x86_64", sync = "lazy", ram = 3072, quiet = true }
local n = 100000

story("%d processes are forked.", n)
local first = m:fork("worker"):pid()
for i = 2, n do
	m:fork("worker")
end

story("The kernel maps memory of its own, which needs a new top-level entry.")
local area = m:vmalloc(1 << 20)
local blind = 0
for pid = first, first + n - 1 do
	if not m:process(pid):sees(area) then
		blind = blind + 1
	end
end
story("%d processes do not see it.", blind)
assert(blind == n)

story("One of them is made to look. The fault repairs it, for that one alone.")
local worker = m:process(first)
worker:kernel_read(area)
assert(worker:agrees(area) and not m:process(first + 1):sees(area))
assert(m:ended() == "runs")
