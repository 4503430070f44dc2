# Passes of GCC that make Thumb code longer rather than shorter: without them the core is 400 bytes
# smaller at -Os, and an image 2 to 4 KB. scripts/size reads this line.
set(ACME_SIZE_OPTIONS -fno-tree-sink -fno-move-loop-invariants -fno-thread-jumps -fno-if-conversion -fno-tree-tail-merge -fno-schedule-insns2 -fno-tree-dominator-opts -fno-caller-saves -fno-forward-propagate -fno-tree-scev-cprop)
