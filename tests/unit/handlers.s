# Handlers in the right sections and in wrong ones, for i386 and x86-64 alike: what
# test_modfile.c expects is in its table.

	.section .init.text, "ax", @progbits
	.type early_trap, @function
early_trap:
	nop
	.size early_trap, . - early_trap

	.text
	.type good_handler, @function
good_handler:
	.long printk - .
	.long printk - .
	.long memcpy - .
	.size good_handler, . - good_handler
	.type of_no_kind, @function
of_no_kind:
	nop
	.size of_no_kind, . - of_no_kind
	.balign 4096
	.skip 4090
	.type spanning_interrupt, @function
spanning_interrupt:
	.skip 4110
	.size spanning_interrupt, . - spanning_interrupt
	.balign 16
bare_nmi:
	nop
	nop
next_label:
	nop

	.section .entry.text, "ax", @progbits
	.balign 64
	.type plain_name, @function
plain_name:
	.long early_trap - .
	.size plain_name, . - plain_name

	.section .exit.text, "ax", @progbits
	.type late_handler, @function
late_handler:
	nop
	.size late_handler, . - late_handler

	.data
	.skip 8
	.type data_isr, @function
data_isr:
	nop
	.size data_isr, . - data_isr
	.type saved_handler, @object
saved_handler:
	.long 0
	.size saved_handler, . - saved_handler

	.section .init.data, "aw", @progbits
	.type early_isr, @function
early_isr:
	nop
	.size early_isr, . - early_isr

	.section .comment.lab, "", @progbits
	.type unloaded_handler, @function
unloaded_handler:
	nop
	.size unloaded_handler, . - unloaded_handler
