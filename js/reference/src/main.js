// The component shows the description that this server makes of itself; nothing is asked of other servers.
import "openapi-explorer/dist/browser/openapi-explorer.min.js";
import "./page.css";
