// A scripted charging station on the npm package ocpp-rpc, in strict mode: its codec and its schemas
// judge every frame. It follows what it is told at once, misbehaves on a schedule, and prints one JSON
// line per second, and one with its findings when its car has left. It ends when its stdin does.
'use strict';

const { randomUUID } = require('crypto');
const { RPCClient, NOREPLY, createRPCError, createValidator } = require('ocpp-rpc');

const options = JSON.parse(process.argv[2]);
const PROTOCOL = options.protocol;
const TWO_WAY = PROTOCOL === 'ocpp2.1';
const MOST_W = 7400;
const LEAST_W = 1400;
const VOLTAGE_V = 230;
const PHASES = 3;
const SAMPLES_EVERY_MS = 2000;
const CALM_FIRST_S = 75;
const FAULT_S = 10;
const REST_S = 10;
const SLOW_MS = 4000;

// The package looks 2.1's schemas up as `urn:Heartbeat.req`, but names them `urn:HeartbeatRequest`.
function validatorOf21() {
    const schemas = JSON.parse(JSON.stringify(require('ocpp-rpc/lib/schemas/ocpp2_1.json')));
    for (const schema of schemas) {
        schema.$id = schema.$id.replace(/Request$/, '.req').replace(/Response$/, '.conf');
    }
    return createValidator('ocpp2.1', schemas);
}

const client = new RPCClient({
    endpoint: options.endpoint,
    identity: options.identity,
    password: options.password,
    protocols: [PROTOCOL],
    strictMode: true,
    strictModeValidators: TWO_WAY ? [validatorOf21()] : [],
    callTimeoutMs: 30000,
    pingIntervalMs: 5000,
    backoff: { initialDelay: 500, maxDelay: 2000, factor: 2, randomisationFactor: 0 },
});

// --- what it finds ---

const findings = { failures: [], surprises: [], calls: {}, answered: {}, faults: [] };
let noisy = false; // while it sends frames that have to be complained of

client.on('strictValidationFailure', ({ method, outbound, isCall, error }) => {
    findings.failures.push({ method, outbound, isCall, error: String(error.message) });
});
client.on('badMessage', ({ buffer, error }) => {
    if (!noisy) findings.surprises.push(`${error.message}: ${String(buffer).slice(0, 200)}`);
});
client.on('close', ({ code, reason }) => {
    if (!leaving && fault !== 'gone') findings.surprises.push(`closed: ${code} ${reason}`);
});

// --- the car, the meter and the profiles ---

const car = { socWh: 42000, capacityWh: 60000, powerW: 0, importWh: 0, exportWh: 0 };
const profiles = new Map();
const settings = new Map([['TxUpdatedInterval', '30'], ['HeartbeatInterval', '600'],
    ['TxUpdatedMeasurands', 'Energy.Active.Import.Register'],
    ['TxEndedMeasurands', 'Energy.Active.Import.Register']]);
let transactionId = null;
let seqNo = 0;
let fault = null;
let leaving = false;
let lastMs = Date.now();
let clockAheadMs = 0; // the central system's clock, as the boot told it

const nowMs = () => Date.now() + clockAheadMs;
const stamp = () => new Date(nowMs()).toISOString();

function startOf({ profile, sinceMs }) {
    const start = profile.chargingSchedule[0].startSchedule;
    return start === undefined ? sinceMs : Date.parse(start);
}

function runs(installed) {
    const { profile } = installed;
    const mine = profile.chargingProfilePurpose !== 'TxProfile' || profile.transactionId === transactionId;
    const { duration } = profile.chargingSchedule[0];
    const offsetS = (nowMs() - startOf(installed)) / 1000;
    return mine && offsetS >= 0 && (duration === undefined || offsetS < duration);
}

function targetW() {
    if (transactionId === null) return 0;
    const rank = ({ profile }) =>
        profile.stackLevel + (profile.chargingProfilePurpose === 'TxProfile' ? 1000 : 0);
    const governing = [...profiles.values()].filter(runs).sort((a, b) => rank(b) - rank(a))[0];
    if (governing === undefined) return MOST_W;
    const schedule = governing.profile.chargingSchedule[0];
    const offsetS = (nowMs() - startOf(governing)) / 1000;
    const period = schedule.chargingSchedulePeriod.filter((one) => one.startPeriod <= offsetS).pop();
    const rate = period.setpoint ?? period.limit ?? 0;
    const phases = Math.min(period.numberPhases ?? PHASES, PHASES);
    const watts = schedule.chargingRateUnit === 'W' ? rate : rate * VOLTAGE_V * phases;
    if (Math.abs(watts) < LEAST_W) return 0;
    return Math.max(TWO_WAY ? -MOST_W : 0, Math.min(MOST_W, watts));
}

function live() {
    const hours = (Date.now() - lastMs) / 3600000;
    lastMs = Date.now();
    const movedWh = car.powerW * hours;
    car.socWh += movedWh;
    car.importWh += Math.max(movedWh, 0);
    car.exportWh += Math.max(-movedWh, 0);
    car.powerW = targetW();
}

// --- what it says ---

async function call(method, params) {
    findings.calls[method] = (findings.calls[method] ?? 0) + 1;
    return client.call(method, params);
}

function status() {
    const none = fault === 'no evse';
    return {
        timestamp: stamp(),
        connectorStatus: transactionId === null ? 'Available' : 'Occupied',
        evseId: none ? 0 : 1,
        connectorId: none ? 0 : 1,
    };
}

function meterValue(context) {
    const sampled = (measurand, value, unit) =>
        ({ measurand, value: Math.round(value * 10) / 10, context, unitOfMeasure: { unit } });
    const values = [
        sampled('Power.Active.Import', Math.max(car.powerW, 0), 'W'),
        sampled('Energy.Active.Import.Register', car.importWh, 'Wh'),
    ];
    if (TWO_WAY) {
        const soc = fault === 'soc' ? 101 : 100 * car.socWh / car.capacityWh;
        values.push(
            sampled('Power.Active.Export', Math.max(-car.powerW, 0), 'W'),
            sampled('Energy.Active.Export.Register', car.exportWh, 'Wh'),
            sampled('SoC', soc, 'Percent'),
        );
    }
    return { timestamp: stamp(), sampledValue: values };
}

function event(eventType, triggerReason, context, info = {}, more = {}) {
    return call('TransactionEvent', {
        eventType,
        timestamp: stamp(),
        triggerReason,
        seqNo: seqNo++,
        transactionInfo: { transactionId, ...info },
        evse: { id: 1, connectorId: 1 },
        meterValue: [meterValue(context)],
        ...more,
    });
}

async function boot() {
    const { status: accepted, currentTime } = await call('BootNotification', {
        reason: 'PowerUp',
        chargingStation: { model: 'Scripted', vendorName: 'Tests', serialNumber: options.serial },
    });
    if (accepted !== 'Accepted') throw Error(`the boot was ${accepted}`);
    clockAheadMs = Date.parse(currentTime) - Date.now();
    await call('StatusNotification', status());
}

async function plugIn() {
    const idToken = { idToken: options.idToken, type: 'ISO14443' };
    if (TWO_WAY) idToken.additionalInfo = [{ additionalIdToken: options.evccid, type: 'EVCCID' }];
    transactionId = randomUUID();
    await call('StatusNotification', status());
    const { idTokenInfo } = await call('Authorize', { idToken });
    if (idTokenInfo.status !== 'Accepted') throw Error('the token was refused');
    await event('Started', 'CablePluggedIn', 'Transaction.Begin', { chargingState: 'EVConnected' }, { idToken });
    if (TWO_WAY) {
        await call('NotifyEVChargingNeeds', {
            evseId: 1,
            timestamp: stamp(),
            chargingNeeds: {
                requestedEnergyTransfer: 'AC_BPT',
                availableEnergyTransfer: ['AC_three_phase', 'AC_BPT'],
                controlMode: 'DynamicControl',
                v2xChargingParameters: {
                    minChargePower: LEAST_W,
                    maxChargePower: MOST_W,
                    minDischargePower: LEAST_W,
                    maxDischargePower: MOST_W,
                },
            },
        });
    }
}

async function sample() {
    const chargingState = car.powerW === 0 ? 'SuspendedEVSE' : 'Charging';
    await event('Updated', 'MeterValuePeriodic', 'Sample.Periodic', { chargingState });
}

async function leave() {
    await event('Ended', 'EVDeparted', 'Transaction.End', { stoppedReason: 'EVDisconnected' });
    transactionId = null;
    await call('StatusNotification', status());
}

// --- what it is asked ---

const VARIABLES = {
    'ChargingStation.SerialNumber': options.serial,
    'SmartChargingCtrlr.RateUnit': 'W,A',
    'SmartChargingCtrlr.ProfileStackLevel': '4',
    ...(TWO_WAY && {
        'SmartChargingCtrlr.SupportsFeature[DynamicProfiles]': 'true',
        'SmartChargingCtrlr.SupportsFeature[MaxOfflineDuration]': 'true',
        'V2XChargingCtrlr.Enabled': 'true',
        'V2XChargingCtrlr.SupportedOperationModes': 'ChargingOnly,CentralSetpoint',
        'V2XChargingCtrlr.SupportedEnergyTransferModes': 'AC_three_phase,AC_BPT',
        'ConnectedEV.VehicleId': options.evccid,
    }),
};

function variable({ component, variable: wanted }) {
    const instance = wanted.instance === undefined ? '' : `[${wanted.instance}]`;
    const value = settings.get(wanted.name) ?? VARIABLES[`${component.name}.${wanted.name}${instance}`];
    return value === undefined
        ? { component, variable: wanted, attributeStatus: 'UnknownVariable' }
        : { component, variable: wanted, attributeStatus: 'Accepted', attributeValue: value };
}

function written({ component, variable: wanted, attributeValue }) {
    const known = settings.has(wanted.name);
    if (known) settings.set(wanted.name, attributeValue);
    return { component, variable: wanted, attributeStatus: known ? 'Accepted' : 'Rejected' };
}

function refusal() {
    return { status: 'Rejected', statusInfo: { reasonCode: 'InternalError' } };
}

const handlers = {
    GetVariables: ({ getVariableData }) => ({ getVariableResult: getVariableData.map(variable) }),
    SetVariables: ({ setVariableData }) => ({ setVariableResult: setVariableData.map(written) }),
    SetChargingProfile: ({ chargingProfile }) => {
        if (fault === 'refuse') return refusal();
        profiles.set(chargingProfile.id, { profile: chargingProfile, sinceMs: nowMs() });
        return { status: 'Accepted' };
    },
    UpdateDynamicSchedule: ({ chargingProfileId, scheduleUpdate }) => {
        const installed = profiles.get(chargingProfileId);
        if (fault === 'refuse' || installed?.profile.chargingProfileKind !== 'Dynamic') return refusal();
        Object.assign(installed.profile.chargingSchedule[0].chargingSchedulePeriod[0], scheduleUpdate);
        installed.sinceMs = nowMs();
        return { status: 'Accepted' };
    },
    ClearChargingProfile: ({ chargingProfileId }) =>
        ({ status: profiles.delete(chargingProfileId) ? 'Accepted' : 'Unknown' }),
    GetChargingProfiles: () => ({ status: 'NoProfiles' }),
    GetCompositeSchedule: () => ({ status: 'Rejected' }),
    GetTransactionStatus: ({ transactionId: asked }) => (asked === undefined
        ? { messagesInQueue: false }
        : { messagesInQueue: false, ongoingIndicator: asked === transactionId }),
    NotifyAllowedEnergyTransfer: () => ({ status: 'Accepted' }),
    TriggerMessage: ({ requestedMessage }) => {
        if (requestedMessage === 'StatusNotification') {
            setTimeout(() => call('StatusNotification', status()).catch(ignore), 100);
        } else if (requestedMessage === 'MeterValues') {
            const values = { evseId: 1, meterValue: [meterValue('Trigger')] };
            setTimeout(() => call('MeterValues', values).catch(ignore), 100);
        } else {
            return { status: 'NotImplemented' };
        }
        return { status: 'Accepted' };
    },
};

function ignore() {}

const pause = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

client.handle(async ({ method, params }) => {
    findings.answered[method] = (findings.answered[method] ?? 0) + 1;
    const handler = handlers[method];
    if (handler === undefined) throw createRPCError('NotImplemented', 'not here', {});
    if (fault === 'mute') return NOREPLY;
    if (fault === 'error') throw createRPCError('GenericError', 'scripted', {});
    if (fault === 'slow') await pause(SLOW_MS);
    return handler(params);
});

// --- how it misbehaves ---

const GARBAGE = ['not JSON', '{}', '[]', '[2,"x"]', '[9,"x",{}]', '[2,"x",{},{}]',
    '[2,"y","Heartbeat",{"aFieldOfOurOwn":1}]', '[2,"z","NoSuchAction",{}]', '[6,"s","NotifyPeriodicEventStream",{}]'];
let repeating = false;

client.on('call', ({ outbound, payload }) => {
    if (!outbound || !repeating) return;
    client.sendRaw(JSON.stringify(payload));
});

const FAULTS = {
    refuse: {},
    slow: {},
    error: {},
    mute: {},
    soc: {},
    'no evse': { begin: () => call('StatusNotification', status()) },
    'no samples': {},
    twice: { begin: () => { noisy = true; repeating = true; }, end: () => { repeating = false; } },
    garbage: {
        begin: async () => {
            noisy = true;
            for (const text of GARBAGE) {
                client.sendRaw(text);
                await pause(200);
            }
        },
    },
    gone: {
        begin: () => client.close({ force: true }),
        end: async () => {
            await client.connect();
            await call('StatusNotification', status());
        },
    },
};

async function misbehave(name) {
    fault = name;
    await FAULTS[name].begin?.();
    await pause(FAULT_S * 1000);
    await FAULTS[name].end?.();
    fault = null;
    findings.faults.push(name);
    await pause(1000);
    noisy = false;
    await pause(REST_S * 1000);
}

// --- its life ---

async function sampling() {
    while (!leaving) {
        live();
        if (fault !== 'no samples' && client.state === RPCClient.OPEN && transactionId !== null) {
            await sample().catch(ignore); // a link that is lost meanwhile is seen elsewhere
        }
        await pause(SAMPLES_EVERY_MS);
    }
}

function telling() {
    const line = { power_w: car.powerW, fault, export_wh: car.exportWh, import_wh: car.importWh };
    process.stdout.write(`${JSON.stringify(line)}\n`);
}

const stdinEnds = new Promise((resolve) => { process.stdin.on('end', resolve).resume(); });

async function main() {
    const endMs = Date.now() + options.minutes * 60000;
    const told = setInterval(telling, 1000);
    await client.connect();
    await boot();
    await plugIn();
    const sampled = sampling();
    await pause(CALM_FIRST_S * 1000);
    const names = Object.keys(FAULTS);
    for (let index = 0; Date.now() + (FAULT_S + REST_S) * 1000 < endMs; index += 1) {
        await misbehave(names[index % names.length]);
    }
    await pause(Math.max(endMs - Date.now(), 0));
    leaving = true;
    await sampled;
    live();
    await leave();
    clearInterval(told);
    process.stdout.write(`${JSON.stringify({ findings, export_wh: car.exportWh, import_wh: car.importWh })}\n`);
    await stdinEnds;
    await client.close();
}

main().catch((error) => {
    process.stderr.write(`${error.stack}\n`);
    process.exit(1);
});
