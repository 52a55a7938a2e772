module ssmsim.test/officialplugin

go 1.19

require (
	github.com/aws/aws-sdk-go v1.54.10
	github.com/aws/session-manager-plugin v0.0.0-20241010233726-61cf1288c7c6
	github.com/cihub/seelog v0.0.0-20170130134532-f561c5e57575
	github.com/eiannone/keyboard v0.0.0-20220611211555-0d226195f203
	github.com/fsnotify/fsnotify v1.4.9
	github.com/gorilla/websocket v1.4.2
	github.com/stretchr/testify v1.8.4
	github.com/twinj/uuid v0.0.0-20151029044442-89173bcdda19
	github.com/xtaci/smux v1.5.16
	golang.org/x/crypto v0.17.0
	golang.org/x/sync v0.5.0
	golang.org/x/sys v0.15.0
)

require (
	github.com/davecgh/go-spew v1.1.1 // indirect
	github.com/jmespath/go-jmespath v0.4.0 // indirect
	github.com/pmezard/go-difflib v1.0.0 // indirect
	github.com/stretchr/objx v0.5.0 // indirect
	golang.org/x/term v0.15.0 // indirect
	gopkg.in/yaml.v3 v3.0.1 // indirect
)
