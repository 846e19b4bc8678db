-- A process reaches for kernel memory: refused, until one bit in its tables is wrong.
local m = machine { format = "i386" }
local fox = m:fork("fox")

story("fox reads a function of the kernel. Its tables have it; user mode may not.")
assert(fox:sees("sys_open"))
assert(fox:try("read", "sys_open") == "killed")
assert(not fox:alive())

story("In the tables of another process the user bit of that entry is flipped.")
local snoop = m:fork("snoop")
snoop:flip("sys_open", "user")
assert(not snoop:agrees("sys_open"))
m:flush_tlb()
m:dump()
local byte = snoop:read("sys_open")
story("It reads %02x: the kernel leaks.", byte)
assert(m:ended() == "runs")
