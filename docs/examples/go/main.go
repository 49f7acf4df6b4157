// Prints every cascade alert once. Needs franz-go, nothing of the engine.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/twmb/franz-go/pkg/kgo"
)

const maxIDs = 10_000

// alert holds what this program prints. Decimals are strings: a float would lose digits.
type alert struct {
	ID       string `json:"alert_id"`
	Type     string `json:"type"`
	Asset    string `json:"asset"`
	Side     string `json:"side"`
	TotalUSD string `json:"total_value_usd"`
}

// seen remembers the newest ids. Delivery is at least once; alert_id is the same for the same alert.
type seen struct {
	ids   map[string]struct{}
	order []string
}

func (s *seen) isNew(id string) bool {
	if _, known := s.ids[id]; known {
		return false
	}
	s.ids[id] = struct{}{}
	s.order = append(s.order, id)
	if len(s.order) > maxIDs {
		delete(s.ids, s.order[0])
		s.order = s.order[1:]
	}
	return true
}

func setting(name, fallback string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return fallback
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	client, err := kgo.NewClient(
		kgo.SeedBrokers(strings.Split(setting("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:9092"), ",")...),
		kgo.ConsumerGroup("alert-printer-go"),
		kgo.ConsumeTopics(setting("ALERTS_TOPIC", "liquidations.cascades")),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
	)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	defer client.Close()
	known := seen{ids: map[string]struct{}{}}
	for {
		fetches := client.PollFetches(ctx)
		if ctx.Err() != nil {
			return
		}
		fetches.EachError(func(topic string, partition int32, err error) {
			fmt.Fprintln(os.Stderr, topic, partition, err)
		})
		fetches.EachRecord(func(record *kgo.Record) {
			var found alert
			if err := json.Unmarshal(record.Value, &found); err != nil {
				fmt.Fprintln(os.Stderr, "not an alert:", err)
				return
			}
			if known.isNew(found.ID) {
				fmt.Println(found.Type, found.Asset, found.Side, found.TotalUSD, header(record, "ce_level"))
			}
		})
	}
}

// header returns what a record says of itself, so that a router need not parse it.
func header(record *kgo.Record, name string) string {
	for _, each := range record.Headers {
		if each.Key == name {
			return string(each.Value)
		}
	}
	return ""
}
