package reported;

import static org.junit.jupiter.api.Assertions.assertFalse;

import dev.hackleak.junit.NoLeaks;
import org.junit.jupiter.api.Test;
import oshi.SystemInfo;
import oshi.hardware.HardwareAbstractionLayer;

/** OSHI: Java, with JNA. Needs libudev.so.1. */
@NoLeaks
class OshiTest {
  /** oshi/oshi#1568: each network interface leaves a context of udev behind. */
  @Test
  void networkInterfaces() {
    HardwareAbstractionLayer hardware = new SystemInfo().getHardware();
    for (int i = 0; i < 10; i++) {
      assertFalse(hardware.getNetworkIFs(true).isEmpty());
    }
  }
}
