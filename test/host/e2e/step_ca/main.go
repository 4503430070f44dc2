// A CA server for the tests: step-ca's library with a configuration file. It must not know more than
// that, and where the tests' device and name server are. scripts/setup builds it.
package main

import (
	"context"
	"log"
	"net"
	"os"
	"strconv"

	"github.com/smallstep/certificates/acme"
	"github.com/smallstep/certificates/authority/config"
	"github.com/smallstep/certificates/ca"
)

// usage: step-ca CONFIGURATION HTTP_PORT TLS_PORT NAME_SERVER
func main() {
	log.SetFlags(0)
	if len(os.Args) != 5 {
		log.Fatal("usage: step-ca CONFIGURATION HTTP_PORT TLS_PORT NAME_SERVER")
	}
	acme.InsecurePortHTTP01, _ = strconv.Atoi(os.Args[2])
	acme.InsecurePortTLSALPN01, _ = strconv.Atoi(os.Args[3])
	net.DefaultResolver = &net.Resolver{PreferGo: true,
		Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, os.Args[4])
		}}
	settings, err := config.LoadConfiguration(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	server, err := ca.New(settings, ca.WithQuiet(true))
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(server.Run())
}
