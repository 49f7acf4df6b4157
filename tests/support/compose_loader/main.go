// Loads a compose file with Docker Compose's own library, and prints it whole as JSON.
//
//	go run . FILE PROFILE...
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/compose-spec/compose-go/v2/cli"
)

func main() {
	options, err := cli.NewProjectOptions(
		[]string{os.Args[1]},
		cli.WithOsEnv,
		cli.WithProfiles(os.Args[2:]),
		cli.WithInterpolation(true),
		cli.WithResolvedPaths(true),
		cli.WithNormalization(true),
		cli.WithConsistency(true),
	)
	if err == nil {
		project, failed := options.LoadProject(context.Background())
		err = failed
		if err == nil {
			project, err = project.WithServicesEnvironmentResolved(true)
		}
		if err == nil {
			var text []byte
			if text, err = project.MarshalJSON(); err == nil {
				_, err = os.Stdout.Write(text)
			}
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
