// A Modbus TCP client made of modbus-serial: reads total power and voltages of an Eastron SDM630
// on the port, and prints them as JSON.
const ModbusRTU = require(process.argv[2]);
const client = new ModbusRTU();
client.setTimeout(2000);
client
  .connectTCP("127.0.0.1", { port: Number(process.argv[3]) })
  .then(() => client.setID(1))
  .then(() => client.readInputRegisters(0x34, 2))
  .then((power) => client.readInputRegisters(0x00, 6).then((volts) => [power, volts]))
  .then(([power, volts]) => {
    const found = { power_w: power.buffer.readFloatBE(0), voltage_v: volts.buffer.readFloatBE(0) };
    console.log(JSON.stringify(found));
    client.close(() => process.exit(0));
  })
  .catch((error) => {
    console.error(error.message ?? error);
    process.exit(1);
  });
