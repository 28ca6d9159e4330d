// A Modbus TCP server made of modbus-serial; prints its port. Input registers hold their address,
// holding registers what was written.
const ModbusRTU = require(process.argv[2]);
const held = new Map();
const vector = {
  getInputRegister: (address) => address,
  getHoldingRegister: (address) => held.get(address) ?? 0,
  setRegister: (address, value) => held.set(address, value),
};
const options = { host: "127.0.0.1", port: 0, unitID: 7 };
const server = new ModbusRTU.ServerTCP(vector, options);
server._server.on("listening", () => console.log(server._server.address().port));
