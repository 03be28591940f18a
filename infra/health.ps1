# The same as health.sh, for Windows: waits until the app answers, and fails with what is wrong in its settings.
$ErrorActionPreference = 'Stop'
if (-not $env:FUNCTION_APP_URL) { throw 'FUNCTION_APP_URL is not set; it is an output of the deployment.' }
$url = "$env:FUNCTION_APP_URL/api/health"
$status = 0
foreach ($try in 1..30) {
    try {
        $answer = Invoke-WebRequest -Uri $url -SkipHttpErrorCheck -TimeoutSec 30
        $status = $answer.StatusCode
    } catch {
        $status = 0
    }
    if ($status -eq 200) {
        Write-Host "The app is alive: $($answer.Content)"
        exit 0
    }
    if ($status -eq 503 -and "$($answer.Content)".Contains('"wrong_settings"')) {
        Write-Host 'The app runs with wrong settings, and does nothing until they are right:'
        Write-Host ($answer.Content | ConvertFrom-Json).error.message
        exit 1
    }
    Start-Sleep -Seconds 10
}
Write-Host "$url answers $status instead of 200; docs/deployment.md says what to look at."
exit 1
