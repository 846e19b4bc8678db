-- Unmapped by the kernel, kept by a process: a stale entry, and one address means two things.
local m = machine { format = "i386", sync = "lazy", tlb = "tcg" }
local init = m:process(1)
local sshd = m:fork("sshd")

story("The kernel maps 4 MiB, as one large page. sshd's tables learn of it by a fault.")
local area = m:vmalloc(4 << 20)
sshd:kernel_write(area, 1)
assert(sshd:agrees(area))

story("The kernel unmaps it. sshd's tables are not changed.")
m:vfree(area)
assert(sshd:sees(area) and not m:sees(area))

story("Other memory is mapped at the same address. init writes 66 there.")
assert(m:vmalloc(1 << 20) == area)
init:kernel_write(area, 66)
m:dump()

story("sshd has an entry, so there is no fault, and nothing is repaired.")
assert(sshd:sees(area) and not sshd:agrees(area))
local byte = sshd:kernel_read(area)
story("It reads %d. What it writes goes to memory that is somebody else's by now.", byte)
assert(byte ~= 66)
sshd:kernel_write(area, 67)
assert(init:kernel_read(area) == 66)
