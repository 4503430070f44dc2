/* Nothing: other_build.c has read its configuration already. */
