package visitor

import _ "embed"

// PasskeyScript is the name under which both webs serve Passkeys.
const PasskeyScript = "passkey.js"

// Passkeys is the script by which a page of either web asks the device of a visitor for a passkey. What it says when there is none stands on
// the page.
//
//go:embed passkey.js
var Passkeys []byte
