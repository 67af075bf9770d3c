// Serves Pulumi's Kubernetes provider. Its own main embeds a file that its module does not have.
package main

import "github.com/pulumi/pulumi-kubernetes/provider/v4/pkg/provider"

// Set when it is built.
var version string

func main() {
	schema := `{"name":"kubernetes","version":"` + version + `"}`
	provider.Serve("kubernetes", version, []byte(schema), []byte("{}"))
}
