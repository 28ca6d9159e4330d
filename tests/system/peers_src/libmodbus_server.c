/* A Modbus server made of libmodbus: TCP on a free port, or RTU on a serial port.
 *
 *     libmodbus_server tcp            prints the port, then serves
 *     libmodbus_server rtu DEVICE     prints "ready", then serves unit 1
 *
 * Input registers hold an Eastron SDM630's answer: 2 500.0 W in total, 230.0 V, 50.0 Hz. Holding
 * registers 0 to 99 can be written. */
#include <arpa/inet.h>
#include <errno.h>
#include <modbus/modbus.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <unistd.h>

static void put_float(modbus_mapping_t *map, int address, float value)
{
    unsigned int bits;
    memcpy(&bits, &value, sizeof bits);
    map->tab_input_registers[address] = bits >> 16;
    map->tab_input_registers[address + 1] = bits & 0xFFFF;
}

static void fill(modbus_mapping_t *map)
{
    put_float(map, 0x00, 230.0f);
    put_float(map, 0x02, 231.0f);
    put_float(map, 0x04, 229.0f);
    put_float(map, 0x0C, 1500.0f);
    put_float(map, 0x0E, 1200.0f);
    put_float(map, 0x10, -200.0f);
    put_float(map, 0x34, 2500.0f);
    put_float(map, 0x46, 50.0f);
    put_float(map, 0x48, 1000.0f);
    put_float(map, 0x4A, 5.0f);
}

static void serve_tcp(modbus_t *context, modbus_mapping_t *map)
{
    uint8_t query[MODBUS_TCP_MAX_ADU_LENGTH];
    struct sockaddr_in bound;
    socklen_t size = sizeof bound;
    int listener = modbus_tcp_listen(context, 8), highest, one;
    fd_set known, ready;
    getsockname(listener, (struct sockaddr *)&bound, &size);
    printf("%d\n", ntohs(bound.sin_port));
    fflush(stdout);
    FD_ZERO(&known);
    FD_SET(listener, &known);
    highest = listener;
    for (;;) {
        ready = known;
        if (select(highest + 1, &ready, NULL, NULL, NULL) < 0)
            exit(1);
        for (one = 0; one <= highest; one++) {
            if (!FD_ISSET(one, &ready))
                continue;
            if (one == listener) {
                int accepted = modbus_tcp_accept(context, &listener);
                FD_SET(accepted, &known);
                highest = accepted > highest ? accepted : highest;
                continue;
            }
            modbus_set_socket(context, one);
            int length = modbus_receive(context, query);
            if (length > 0) {
                modbus_reply(context, query, length, map);
            } else if (length < 0) {
                close(one);
                FD_CLR(one, &known);
            }
        }
    }
}

static void serve_rtu(modbus_t *context, modbus_mapping_t *map)
{
    uint8_t query[MODBUS_RTU_MAX_ADU_LENGTH];
    modbus_set_slave(context, 1);
    if (modbus_connect(context) < 0) {
        fprintf(stderr, "%s\n", modbus_strerror(errno));
        exit(1);
    }
    printf("ready\n");
    fflush(stdout);
    for (;;) {
        int length = modbus_receive(context, query);
        if (length > 0)
            modbus_reply(context, query, length, map);
    }
}

int main(int count, char **words)
{
    modbus_mapping_t *map = modbus_mapping_new(0, 0, 100, 0x60);
    fill(map);
    if (count == 2 && strcmp(words[1], "tcp") == 0)
        serve_tcp(modbus_new_tcp("127.0.0.1", 0), map);
    if (count == 3 && strcmp(words[1], "rtu") == 0)
        serve_rtu(modbus_new_rtu(words[2], 9600, 'N', 8, 1), map);
    fprintf(stderr, "libmodbus_server tcp | rtu DEVICE\n");
    return 2;
}
