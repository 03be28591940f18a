using './main.bicep'

// azd passes these; without azd set the variables, or write the values here.
param environmentName = readEnvironmentVariable('AZURE_ENV_NAME', 'taxjar-connector')
param location = readEnvironmentVariable('AZURE_LOCATION', 'eastus2')
param principalId = readEnvironmentVariable('AZURE_PRINCIPAL_ID', '')
param principalType = readEnvironmentVariable('AZURE_PRINCIPAL_TYPE', 'User')

// There is no default: who reads the alerts has to be said.
param alertEmail = readEnvironmentVariable('ALERT_EMAIL')

// People sign in once this application exists (docs/deployment.md).
param signInClientId = readEnvironmentVariable('SIGN_IN_CLIENT_ID', '')

// The settings of the README in lower case. No secret belongs here: list its name under secrets.
param connections = {
  main: {
    dynamics: {
      url: 'https://contoso.operations.dynamics.com'
      tenant_id: '00000000-0000-0000-0000-000000000000'
      client_id: '00000000-0000-0000-0000-000000000000'
    }
    taxjar: {}
    companies: {
      usmf: {
        report_from: '2026-01-01'
        exempt_tax_groups: { EXEMPT: 'wholesale' }
      }
    }
    secrets: ['TAXJAR__TOKEN']
  }
}
