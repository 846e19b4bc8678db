-- A stray pointer into a free page: caught where free pages are not there, unnoticed elsewhere.
local careful = machine { format = "i386", debug_pagealloc = true }
local fox = careful:fork("fox")

story("A page is given back, and the kernel goes on using its pointer.")
local page = careful:kmalloc()
fox:kernel_write(page, 66)
careful:kfree(page)
assert(not careful:sees(page))
assert(fox:try("kernel_write", page, 67) == "oops")
assert(not fox:alive() and careful:ended() == "runs")

story("The same where free pages stay mapped: nobody notices.")
local hasty = machine { format = "i386" }
fox = hasty:fork("fox")
page = hasty:kmalloc()
hasty:kfree(page)
assert(hasty:sees(page))
fox:kernel_write(page, 67)

story("Now the page is another's, and the stray pointer reaches into it.")
local theirs = hasty:kmalloc()
assert(theirs == page)
fox:kernel_write(theirs, 1)
fox:kernel_write(page, 68)
assert(fox:kernel_read(theirs) == 68)
