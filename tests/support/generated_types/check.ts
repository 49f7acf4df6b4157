// Parses files by types that quicktype made, and prints what those types write again.
import { readFileSync } from "node:fs";
import { Convert, type CascadeAlert, type Liquidation } from "./records.js";

const convert = Convert as unknown as Record<string, (value: never) => unknown>;
for (const argument of process.argv.slice(2)) {
    const [type, path] = argument.split("=") as [string, string];
    const record = convert[`to${type}`]!(readFileSync(path, "utf8") as never);
    const name = type[0]!.toLowerCase() + type.slice(1);
    const text = convert[`${name}ToJson`]!(record as never) as string;
    console.log(JSON.stringify(JSON.parse(text)));
}

// What a program does with them, checked by the compiler.
export function headline(alert: CascadeAlert): string {
    return `${alert.type} ${alert.asset} ${alert.side} ${alert.total_value_usd} ${alert.timestamp_ms + 1}`;
}
export function worth(event: Liquidation): [string, number] {
    return [event.value_usd, event.timestamp_ms];
}
