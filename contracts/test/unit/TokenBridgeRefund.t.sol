// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IPayouts} from "../../src/interfaces/IPayouts.sol";
import {ITokenBridge} from "../../src/interfaces/ITokenBridge.sol";
import {Addresses} from "../../src/libraries/Addresses.sol";
import {Message} from "../../src/libraries/Types.sol";
import {PickyPayee, ReenteringPayee} from "../helpers/Payees.sol";
import {Mode, ModalToken} from "../helpers/tokens/ModalToken.sol";
import {TokenBridgeBase} from "./TokenBridgeBase.t.sol";

/// A contract that bridges and takes no coins: a router, or a wallet without `receive`.
contract Router {
    function go(ITokenBridge bridge, uint64 target, bytes32 to, uint256 amount, uint64 deadline, address refundTo)
        external
        payable
    {
        bridge.bridge{value: msg.value}(address(0), target, to, amount, deadline, refundTo);
    }

    function withdrawTo(ITokenBridge bridge, address token, address to) external {
        bridge.withdrawCreditTo(token, to);
    }
}

/// No transfer is stuck for ever: each comes to an end, and then somebody has the money or a credit for it.
contract TokenBridgeRefundTest is TokenBridgeBase {
    using Addresses for address;

    uint64 private constant SHORT = START + 1 hours;
    Router private router;

    function setUp() public override {
        super.setUp();
        router = new Router();
    }

    // ---- what `bridge` refuses

    function test_refusesATransferWithoutAnEnd() public {
        uint64[3] memory wrong = [uint64(0), START + 30 days + 1, type(uint64).max];
        for (uint256 i; i < 3; ++i) {
            bytes memory reason =
                abi.encodeWithSelector(ITokenBridge.InvalidDeadline.selector, wrong[i], uint256(START + 30 days));
            expectRefused(wrong[i], 1e6, alice, reason);
        }
        send(HOME, alice, address(token), bob, 1e6, START + 30 days);
    }

    function test_refusesToRefundNobody() public {
        address[3] memory wrong = [address(0), address(home), address(homeGateway)];
        for (uint256 i; i < 3; ++i) {
            bytes memory reason = abi.encodeWithSelector(ITokenBridge.InvalidRefund.selector, wrong[i]);
            expectRefused(soon(), 1e6, wrong[i], reason);
        }
    }

    function test_refusesMoreThanCouldBeGivenBack() public {
        vm.prank(owner);
        home.setOutflowLimit(address(token), 5e6, 1 days);
        bytes memory reason =
            abi.encodeWithSelector(ITokenBridge.AboveOutflowLimit.selector, address(token), 5e6 + 1, 5e6);
        expectRefused(soon(), 5e6 + 1, alice, reason);
        send(HOME, alice, address(token), bob, 5e6, soon());
    }

    // ---- the end of a transfer

    /// Burned there and refused here for ever: the sender has it back after the deadline.
    function test_noTransferCanBeStuckForEver() public {
        assertTrue(deliver(sendFromHome(NATIVE, 5 ether)));
        Message memory m = send(AWAY, bob, address(awayNative), address(router), 5 ether, SHORT);
        assertFalse(deliver(m));
        vm.warp(SHORT + 1);
        expire(m);
        refund(m);
        assertEq(awayNative.balanceOf(bob), 5 ether);
        assertEq(address(home).balance, 5 ether);
    }

    function test_whatDidNotArriveGoesToTheNamedAccount() public {
        uint256 before = token.balanceOf(alice);
        Message memory m = sendFor(HOME, alice, address(token), bob, 5e6, SHORT, bob);
        giveBack(m);
        assertEq(token.balanceOf(bob), 5e6);
        assertEq(token.balanceOf(alice), before - 5e6);
    }

    function test_anExpiredTransferOfAContractWithoutReceiveIsNotLost() public {
        vm.chainId(HOME);
        uint256 fee = feeFrom(HOME, NATIVE);
        vm.recordLogs();
        vm.prank(alice);
        router.go{value: 5 ether + fee}(home, AWAY, bob.toBytes32(), 5 ether, SHORT, address(router));
        Message memory m = sentMessage(HOME);
        giveBack(m);
        assertTrue(homeGateway.isRefunded(m.target, m.nonce));
        assertEq(home.credits(address(router), NATIVE), 5 ether);

        vm.expectRevert(IPayouts.TransferFailed.selector);
        home.withdrawCredit(NATIVE, address(router));
        vm.expectRevert(abi.encodeWithSelector(IPayouts.NoCredit.selector, bob, NATIVE));
        vm.prank(bob);
        home.withdrawCreditTo(NATIVE, bob);
        vm.expectEmit(address(home));
        emit IPayouts.CreditWithdrawn(address(router), NATIVE, 5 ether);
        router.withdrawTo(home, NATIVE, bob);
        assertEq(bob.balance, 5 ether);
        assertEq(address(home).balance, 0);
        vm.expectRevert(abi.encodeWithSelector(IPayouts.NoCredit.selector, address(router), NATIVE));
        router.withdrawTo(home, NATIVE, bob);
    }

    function test_anyonePushesACreditToItsOwner() public {
        PickyPayee payee = new PickyPayee();
        Message memory m = sendFor(HOME, alice, NATIVE, bob, 5 ether, SHORT, address(payee));
        giveBack(m);
        assertEq(home.credits(address(payee), NATIVE), 5 ether);
        payee.setOpen(true);
        vm.prank(bob);
        home.withdrawCredit(NATIVE, address(payee));
        assertEq(address(payee).balance, 5 ether);
    }

    function test_aCreditIsAnnounced() public {
        Message memory m = sendFor(HOME, alice, NATIVE, bob, 5 ether, SHORT, address(router));
        vm.warp(SHORT + 1);
        expire(m);
        vm.expectEmit(address(home));
        emit IPayouts.Credited(address(router), NATIVE, 5 ether);
        refund(m);
    }

    function test_creditsAreNotPaidToNobody() public {
        giveBack(sendFor(HOME, alice, NATIVE, bob, 5 ether, SHORT, address(router)));
        address[3] memory wrong = [address(0), address(home), address(homeGateway)];
        for (uint256 i; i < 3; ++i) {
            vm.expectRevert(abi.encodeWithSelector(ITokenBridge.InvalidRecipient.selector, wrong[i].toBytes32()));
            router.withdrawTo(home, NATIVE, wrong[i]);
        }
    }

    function test_aBlacklistedSenderIsCredited() public {
        ModalToken modal = listedModal();
        Message memory m = send(HOME, alice, address(modal), bob, 1 ether, SHORT);
        modal.setBlacklisted(alice, true);
        giveBack(m);
        assertEq(home.credits(alice, address(modal)), 1 ether);
        assertEq(modal.balanceOf(address(home)), 1 ether);
        vm.prank(alice);
        home.withdrawCreditTo(address(modal), bob);
        assertEq(modal.balanceOf(bob), 1 ether);
    }

    /// A token that pays less or nothing at all has not paid.
    function test_Qubit_aRefundThatMovesNothingIsACredit() public {
        ModalToken modal = listedModal();
        Message memory m = send(HOME, alice, address(modal), bob, 1 ether, SHORT);
        modal.setMode(Mode.TrueWithoutMoving);
        giveBack(m);
        assertEq(home.credits(alice, address(modal)), 1 ether);
        modal.setMode(Mode.Plain);
        home.withdrawCredit(address(modal), alice);
        assertEq(modal.balanceOf(alice), 10 ether);
    }

    function test_aCreditIsChargedOnce() public {
        vm.prank(owner);
        home.setOutflowLimit(NATIVE, 5 ether, 1 days);
        giveBack(sendFor(HOME, alice, NATIVE, bob, 5 ether, SHORT, address(router)));
        uint256 available = home.returnsAvailable(NATIVE);
        router.withdrawTo(home, NATIVE, bob);
        assertEq(home.returnsAvailable(NATIVE), available);
        assertEq(bob.balance, 5 ether);
    }

    function test_Messina_aCreditedAccountCannotReenter() public {
        ReenteringPayee payee = new ReenteringPayee();
        payee.set(address(home), abi.encodeCall(IPayouts.withdrawCredit, (NATIVE, address(payee))));
        sendFromHome(NATIVE, 5 ether);
        // Too much for the gas of a payout, so that it is credited and calls back when it has all gas.
        giveBack(sendFor(HOME, alice, NATIVE, bob, 5 ether, SHORT, address(payee)));
        assertEq(home.credits(address(payee), NATIVE), 5 ether);
        home.withdrawCredit(NATIVE, address(payee));
        assertTrue(payee.called());
        assertFalse(payee.succeeded());
        assertEq(address(payee).balance, 5 ether);
        assertEq(address(home).balance, 5 ether);
    }

    function test_CrossCurve_onlyTheBridgeItselfPaysTokens() public {
        sendFromHome(address(token), 5e6);
        vm.expectRevert(abi.encodeWithSelector(IPayouts.Unauthorized.selector, bob));
        vm.prank(bob);
        home.payToken(address(token), bob, 5e6);
    }

    /// A relayer cannot turn a refund into a credit by giving it too little gas.
    function test_aRefundIsNotStarved() public {
        Message memory m = send(HOME, alice, address(token), bob, 5e6, SHORT);
        uint256 before = token.balanceOf(alice);
        vm.warp(SHORT + 1);
        vm.chainId(HOME);
        uint256 snapshot = vm.snapshotState();
        uint256 refunds;
        for (uint256 gasGiven = 60_000; gasGiven < 500_000; gasGiven += 9_973) {
            vm.prank(address(homeGateway));
            (bool success,) =
                address(home).call{gas: gasGiven}(abi.encodeCall(home.onExpired, (idFor(m), m.target, m.payload)));
            if (success) {
                ++refunds;
                assertEq(token.balanceOf(alice), before + 5e6, "starved into a credit");
            }
            vm.revertToState(snapshot);
        }
        assertGt(refunds, 0);
    }

    // ---- helpers

    function giveBack(Message memory m) private {
        vm.warp(m.deadline + 1);
        expire(m);
        refund(m);
    }

    function listedModal() private returns (ModalToken modal) {
        modal = new ModalToken();
        vm.startPrank(owner);
        home.registerRoute(address(modal), AWAY, bytes32(uint256(7)), ITokenBridge.RouteKind.Lock, 18, RECEIVE_GAS);
        home.setOutflowLimit(address(modal), LIMIT, WINDOW);
        vm.stopPrank();
        modal.mint(alice, 10 ether);
        vm.prank(alice);
        modal.approve(address(home), type(uint256).max);
    }

    function expectRefused(uint64 deadline, uint256 amount, address refundTo, bytes memory reason) private {
        vm.chainId(HOME);
        vm.expectRevert(reason);
        vm.prank(alice);
        home.bridge(address(token), AWAY, bob.toBytes32(), amount, deadline, refundTo);
    }
}
