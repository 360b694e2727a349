/** Where libraries with cleaners of their own plug into HackLeak. */
package dev.hackleak.spi;
