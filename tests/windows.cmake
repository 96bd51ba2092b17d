# SPDX-License-Identifier: MIT OR Apache-2.0
# The C tests that Windows cannot run. Single tests of the others say so themselves: SKIP.
rondel_leave_out(daemon "forks, as daemons of Unix do")
rondel_leave_out(descriptors "looks at descriptors of Unix: their limit, their flags, files in /dev")
rondel_leave_out(embed "a loop has no descriptor to be waited for by another one")
rondel_leave_out(fork "nobody forks")
rondel_leave_out(pool_lanes "runs parts of itself in forked children")
rondel_leave_out(signal "sends signals")
rondel_leave_out(task_debug "runs parts of itself in forked children")
rondel_leave_out(task_main "runs parts of itself in forked children, and sends them signals")
rondel_leave_out(task_stack "runs parts of itself in forked children")
