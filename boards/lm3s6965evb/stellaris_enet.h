/*
 * What the vector table knows of the Ethernet driver.
 */
#ifndef STELLARIS_ENET_H
#define STELLARIS_ENET_H

#define STELLARIS_ENET_IRQ 42

void stellaris_enet_irq(void);

#endif
