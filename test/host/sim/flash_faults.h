/*
 * Faults of a chip, over the simulated flash: error correction that cannot read what a cut has left
 * half done, and operations that say they went well and did not. Reads the simulation's state to
 * know what a cut has torn.
 */
#ifndef FLASH_FAULTS_H
#define FLASH_FAULTS_H

#include "flash_sim.h"

struct flash_faults {
    struct flash_sim *sim;
    bool ecc; /* units torn by a cut read as lost, until they are erased */
    uint32_t lie_program_at, lie_erase_at, flip_read_at; /* the n-th goes wrong; 0: never */
    uint32_t programs, erases, reads;
    bool happened; /* it has */
};

extern const struct acme_flash_ops flash_faults_ops;

/** Over a simulation that was set up; nothing goes wrong yet. */
void flash_faults_init(struct flash_faults *f, struct flash_sim *sim);

#endif
