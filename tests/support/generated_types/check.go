// Parses files by types that quicktype made, and prints what those types write again.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"example/records"
)

func parse(kind string, data []byte) (any, error) {
	switch kind {
	case "CascadeAlert":
		return records.UnmarshalCascadeAlert(data)
	case "DetectionStatus":
		return records.UnmarshalDetectionStatus(data)
	case "FeedStatus":
		return records.UnmarshalFeedStatus(data)
	case "Instrument":
		return records.UnmarshalInstrument(data)
	case "Liquidation":
		return records.UnmarshalLiquidation(data)
	case "OpenPosition":
		return records.UnmarshalOpenPosition(data)
	case "Pulse":
		return records.UnmarshalPulse(data)
	case "Rate":
		return records.UnmarshalRate(data)
	case "Rejected":
		return records.UnmarshalRejected(data)
	case "Undelivered":
		return records.UnmarshalUndelivered(data)
	}
	return nil, fmt.Errorf("no type %s", kind)
}

func main() {
	for _, argument := range os.Args[1:] {
		kind, path, _ := strings.Cut(argument, "=")
		data, err := os.ReadFile(path)
		var record any
		if err == nil {
			record, err = parse(kind, data)
		}
		var text []byte
		if err == nil {
			text, err = json.Marshal(record)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, path, err)
			os.Exit(1)
		}
		fmt.Println(string(text))
	}
}
