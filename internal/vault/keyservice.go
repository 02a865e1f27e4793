package vault

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/hashicorp/vault/api"
	"github.com/tink-crypto/tink-go-awskms/v3/integration/awskms"
	"github.com/tink-crypto/tink-go-hcvault/v2/integration/hcvault"
	"github.com/tink-crypto/tink-go/v2/core/registry"
)

// errNoService: the address of a master key is none that we can ask.
var errNoService = errors.New("the master key's address is none of file:/path, env:NAME, hcvault://host:port/transit/keys/name and aws-kms://arn:aws:kms:…")

// keyService makes the client of the key management service that address names. What opens the service itself is taken
// from where its own tools take it: VAULT_TOKEN and VAULT_CACERT, or the AWS variables, profile or role.
//
// cite: P-37
func keyService(address string) (registry.KMSClient, error) {
	switch {
	case strings.HasPrefix(address, "hcvault://"):
		u, err := url.Parse(address)
		if err != nil || u.Host == "" || len(u.Path) < 2 {
			return nil, errNoService
		}
		config := api.DefaultConfig() // with VAULT_CACERT and its like
		if config.Error != nil {
			return nil, config.Error
		}
		config.Address = "https://" + u.Host
		client, err := api.NewClient(config) // with VAULT_TOKEN
		if err != nil {
			return nil, fmt.Errorf("the key service at %s: %w", u.Host, err)
		}
		return hcvault.NewClientWithAEADOptions(address, client.Logical())
	case strings.HasPrefix(address, "aws-kms://"):
		return awskms.NewClientWithOptions(context.Background(), address)
	}
	return nil, errNoService
}
