"""SMA Energy Meter and Sunny Home Manager: datagrams to a multicast group, once a second."""
