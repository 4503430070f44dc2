/*
 * What the vector table knows of the Ethernet driver.
 */
#ifndef LAN9118_H
#define LAN9118_H

#define LAN9118_IRQ 13

void lan9118_irq(void);

#endif
