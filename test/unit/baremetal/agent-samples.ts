// What a real ironic-python-agent 10.2.0 sent from a qemu machine with UEFI (the list of CPU flags is cut off).

export const realInspection = {
  inventory: {
    interfaces: [
      {
        name: 'enp0s1',
        mac_address: '52:54:00:77:01:0a',
        ipv4_address: '10.77.1.138',
        ipv6_address: 'fe80::5054:ff:fe77:10a%enp0s1',
        has_carrier: true,
        lldp: null,
        vendor: '0x1af4',
        product: '0x0001',
        client_id: null,
        biosdevname: null,
        speed_mbps: null,
        pci_address: 'virtio0',
        driver: 'virtio_net',
      },
    ],
    cpu: {
      model_name: 'QEMU TCG CPU version 2.5+',
      frequency: '',
      count: 2,
      architecture: 'x86_64',
      flags: ['fpu', 'de', 'pse', 'tsc', 'msr'],
      socket_count: 1,
    },
    disks: [
      {
        name: '/dev/sda',
        model: 'QEMU HARDDISK',
        size: 4831838208,
        rotational: true,
        wwn: null,
        serial: 'UC0001',
        vendor: 'QEMU',
        wwn_with_extension: null,
        wwn_vendor_extension: null,
        hctl: '0:0:0:0',
        by_path: '/dev/disk/by-path/pci-0000:00:02.0-scsi-0:0:0:0',
        logical_sectors: 512,
        physical_sectors: 512,
      },
    ],
    memory: {
      total: 4106694656,
      physical_mb: 4096,
    },
    bmc_address: null,
    bmc_v6address: null,
    system_vendor: {
      product_name: 'Standard PC (Q35 + ICH9, 2009)',
      serial_number: '',
      manufacturer: 'QEMU',
      firmware: {
        vendor: 'EFI Development Kit II / OVMF',
        version: '0.0.0',
        build_date: '02/06/2015',
      },
    },
    boot: {
      current_boot_mode: 'uefi',
      pxe_interface: '52-54-00-77-01-0a',
    },
    hostname: 'agent',
    bmc_mac: null,
  },
  root_disk: {
    name: '/dev/sda',
    model: 'QEMU HARDDISK',
    size: 4831838208,
    rotational: true,
    wwn: null,
    serial: 'UC0001',
    vendor: 'QEMU',
    wwn_with_extension: null,
    wwn_vendor_extension: null,
    hctl: '0:0:0:0',
    by_path: '/dev/disk/by-path/pci-0000:00:02.0-scsi-0:0:0:0',
    logical_sectors: 512,
    physical_sectors: 512,
  },
  boot_interface: '52-54-00-77-01-0a',
  configuration: {
    collectors: ['default'],
    managers: [
      {
        name: 'generic_hardware_manager',
        version: '1.2',
      },
    ],
  },
  error: null,
};

/** It is its own certificate, for the IP address 10.77.1.138. */
export const realCertificate =
  '-----BEGIN CERTIFICATE-----\nMIIBNzCB3qADAgECAhQVkGNg8vl6ejR+myErGRlV4EVfHzAKBggqhkjOPQQDAjAQ\nMQ4wDAYDVQQDDAVhZ2VudDAeFw0yNjExMjExMzExNDBaFw0yNjEyMjExNDExNDBa\nMBAxDjAMBgNVBAMMBWFnZW50MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE+yVP\njC7kxemMqF2obpEz5EcckbXlZnQNMHy3gt4nbShIZInm7mxO/RAKX0Xmm7ytB0P5\nlR5MRuc/NcXEMr1BOqMWMBQwEgYDVR0RAQH/BAgwBocECk0BijAKBggqhkjOPQQD\nAgNIADBFAiEA4odfEF2Ot5e1fCnIz2bEwfXID/muHvdIGARML4MsulICIEBB6L5c\n8pholez8QsFW1ytnmL6YpCkZW6m93LN/NdNb\n-----END CERTIFICATE-----\n';
export const realCallback = 'https://10.77.1.138:9999';
